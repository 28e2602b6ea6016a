"""Common topics of carousel posts and the words that give them away, folded and in stems.

A stem of five letters or more also matches longer words that begin with it (``workout`` finds
``workouts`` and ``#workoutroutine``); a shorter one matches only itself.
"""

from __future__ import annotations

from typing import Final

TOPICS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(words.split())
    for name, words in {
        "Fitness": """fitness workout gym exercise training muscle squat cardio pilates yoga abs
            protein runner running fitnesstok krafttraining entrenamiento musculation palestra
            treino sporten""",
        "Food": """recipe food foodtok cooking cook meal dinner lunch breakfast bake baking
            ingredient oven pasta chicken vegan vegetarian snack rezept kochen recette cuisine
            receta cocina ricetta receita recept""",
        "Nutrition": """nutrition calorie diet macros vitamin fiber healthyeating weightloss
            gutheal sugar supplement ernaehrung ernahrung nutricion dieta abnehmen""",
        "Finance": """money finance invest budget saving savings debt stock stocks etf crypto
            salary income wealth credit tax taxes mortgage retirement personalfinance geld sparen
            argent dinero ahorrar soldi dinheiro""",
        "Travel": """travel trip flight hotel itinerary destination passport airport vacation
            beach hostel backpack wanderlust city reise reisen voyage viaje viaggio viagem reizen
            tokyo paris italy bali""",
        "Beauty": """skincare makeup beauty serum retinol spf sunscreen acne moisturi cleanser
            lipstick mascara glowup hair haircare haircut nails hautpflege maquillage belleza
            bellezza beleza""",
        "Fashion": """fashion outfit ootd style wardrobe capsule jacket jeans dress sneaker thrift
            streetwear mode moda ropa vetement""",
        "Productivity": """productiv habit routine morning focus timeblock todo planner notion
            procrastinat discipline deepwork organize schedule gewohnheit produktiv productivid
            abitudin""",
        "Mental health": """anxiety therapy therapist mentalhealth burnout trauma depress
            selfcare boundaries mindful overthink adhd healing stress angst ansiedad anxiete""",
        "Relationships": """relationship dating boyfriend girlfriend breakup marriage husband wife
            attachment redflag couple love partner beziehung pareja amour relazione""",
        "Parenting": """parent parenting toddler baby newborn momlife dadlife mom kids pregnan
            motherhood eltern enfant mamma hijos""",
        "Study": """study student exam school university college notes studytok homework learn
            revision flashcard lernen etudier estudiar studiare estudar""",
        "Career": """career job interview resume linkedin recruiter promotion salarynegotiation
            remote coworker boss hiring bewerbung carriere empleo lavoro emprego""",
        "Business": """business startup entrepreneur founder client freelance agency ecommerce
            shopify revenue sidehustle smallbusiness passiveincome unternehmer negocio azienda
            empresa""",
        "Marketing": """marketing branding content creator audience engagement instagram tiktok
            algorithm seo copywriting socialmedia hashtag viral reels ugc""",
        "Technology": """tech technology software coding programming python javascript developer
            app laptop iphone chatgpt prompt artificialintelligence ai automation""",
        "Books": """book books booktok reading novel author fiction chapter library bucher livre
            libro livro boek""",
        "Home": """home interior decor apartment kitchen bedroom living furniture ikea declutter
            cleaning cleantok organizing wohnung maison casa huis""",
        "Gardening": """garden gardening plant plants houseplant seed soil tomato compost garten
            jardin giardino""",
        "Pets": """dog puppy cat kitten pet pets vet dogsoftiktok catsoftiktok hund katze perro
            gato chien cane""",
        "Art and design": """art artist painting drawing design designer illustrat sketch canva
            typography watercolor ceramic kunst dibujo""",
        "Photography": """photo photography camera lens lightroom preset portrait exposure
            fotografie fotografia""",
        "Music": """music song lyrics guitar piano spotify playlist concert album singer musik
            musique musica""",
        "Games": """game gaming gamer playstation nintendo xbox minecraft steam videogame""",
        "Sports": """football soccer basketball nba tennis marathon league championship goal
            fussball futbol calcio futebol""",
        "History and science": """history science ancient empire physics space planet nasa biology
            psychology fact facts geschichte histoire historia ciencia""",
        "Motivation": """motivation mindset quote quotes success goals inspire selfimprovement
            growth confidence dream affirmation stoic motivacion motivazione motivacao""",
        "Faith": """god jesus bible prayer faith church christian islam quran allah spiritual""",
    }.items()
}

_STOP_WORDS = """
    about and are but can did does for from get has have her his how into its just like more most
    not now off our out over than that the their them then these they this those was were what when
    where which who why will with you your post posts content tips life things other general
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""Words too common to say anything about a category when they stand in its description."""
