"""English phrases."""

from __future__ import annotations

from carousel.sandbox.phrases.grammar import Language, Topic

_TOPICS = {
    "fitness": Topic(
        things=("your morning workout", "strength training at home", "your first push up"),
        tips=(
            "Warm up for {m} minutes before you lift anything heavy",
            "Walk {m} minutes after lunch and after dinner",
            "Train your legs twice a week, even when you hate it",
            "Write down every set so you know when to add weight",
            "Sleep eight hours because muscles grow at night",
            "Stop one repetition before your form breaks",
            "Drink a glass of water before every workout",
            "Stretch your hips for {m} minutes in the evening",
        ),
        hashtags=("fitness", "gymtok", "homeworkout"),
    ),
    "finance": Topic(
        things=("your first budget", "monthly money", "the emergency fund"),
        tips=(
            "Open a second account and move ten percent on payday",
            "Cancel the three subscriptions you forgot about",
            "Wait {m} days before you buy anything over fifty",
            "Pay off the most expensive debt first",
            "Put three months of rent aside before you invest",
            "Check your bank statement every Sunday for {m} minutes",
            "Compare your insurance every year in November",
            "Give every euro a job before the month begins",
        ),
        hashtags=("finance", "moneytok", "budgeting"),
    ),
    "skincare": Topic(
        things=("dry skin in winter", "your evening routine", "sunscreen"),
        tips=(
            "Wash your face with warm water, never with hot water",
            "Put sunscreen on every morning, even when it rains",
            "Use one new product at a time and wait two weeks",
            "Change your pillow case every three days",
            "Let the serum dry for {m} minutes before the cream",
            "Keep your hands away from your face during the day",
            "Never sleep with make up on your skin",
            "Pick a gentle cleanser without perfume",
        ),
        hashtags=("skincare", "skintok", "glowingskin"),
    ),
    "travel": Topic(
        things=("a weekend in Lisbon", "packing light", "cheap train tickets"),
        tips=(
            "Book the train six weeks before you leave",
            "Arrive {m} minutes early and eat where the locals eat",
            "Pack one bag only and wash your clothes on the way",
            "Download the offline map before the flight",
            "Visit museums on the first Sunday of the month",
            "Carry a copy of your passport in your mail",
            "Ask the hotel for a quiet room on a high floor",
            "Take the early ferry and have the beach for yourself",
        ),
        hashtags=("travel", "traveltok", "citytrip"),
    ),
    "cooking": Topic(
        things=("pasta from scratch", "cooking for one", "a better tomato sauce"),
        tips=(
            "Salt the water until it tastes like the sea",
            "Let the onions cook for {m} minutes on low heat",
            "Keep a cup of pasta water for the sauce",
            "Rest the dough for {m} minutes under a bowl",
            "Toast the spices in a dry pan first",
            "Add lemon at the very end, not at the start",
            "Freeze fresh herbs in olive oil",
            "Sharpen your knife before every big meal",
        ),
        hashtags=("cooking", "foodtok", "easyrecipe"),
    ),
    "productivity": Topic(
        things=("deep work", "your morning plan", "an empty inbox"),
        tips=(
            "Plan tomorrow in {m} minutes before you close the laptop",
            "Do the hardest task before you open your mail",
            "Turn off every notification until noon",
            "Work in blocks of {m} minutes with short breaks",
            "Write one goal on paper and put it on the desk",
            "Say no to meetings without an agenda",
            "Group small tasks and finish them in one go",
            "Review your week every Friday afternoon",
        ),
        hashtags=("productivity", "worksmarter", "deepwork"),
    ),
    "study": Topic(
        things=("exam week", "learning vocabulary", "better notes"),
        tips=(
            "Test yourself before you read the chapter again",
            "Study {m} minutes, then walk around the block",
            "Explain the topic out loud as if you were a teacher",
            "Repeat new words after one day and after one week",
            "Put your phone in another room while you study",
            "Solve old exams under real time pressure",
            "Rewrite your notes in your own words",
            "Begin with the topic you like least",
        ),
        hashtags=("studytips", "studytok", "examseason"),
    ),
}

LANGUAGE = Language(
    code="en",
    hooks=(
        "{n} things nobody tells you about {thing}",
        "Stop scrolling if you care about {thing}",
        "I tried {thing} for 30 days and this happened",
        "{n} mistakes that ruin {thing}",
        "How I finally fixed {thing} in one week",
        "You are doing {thing} wrong",
    ),
    extras=(
        "It takes less time than you think.",
        "Nobody does this and it shows.",
        "This one changed everything for me.",
        "Start today, not on Monday.",
        "Your future self will thank you.",
        "Simple, but hard to keep up.",
    ),
    ctas=(
        "Follow for more tips like this",
        "Save this post for later and send it to a friend",
        "Which one will you try first? Tell me in the comments",
        "Link in bio for the full list",
        "Share this with someone who needs it",
    ),
    cta_words=("follow", "save", "comments", "link in bio", "share"),
    captions=(
        "Everything I know about {thing} ✨",
        "Part two about {thing} 👇",
        "{thing}, but honest 🙌🏽",
        "I wish I had known this about {thing} earlier 💡",
    ),
    bios=("Small steps, every day", "Tips without the noise ✨", "New carousel twice a week"),
    topics=_TOPICS,
)
