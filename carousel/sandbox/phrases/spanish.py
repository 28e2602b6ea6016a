"""Spanish phrases (without opening question marks, as people type)."""

from __future__ import annotations

from carousel.sandbox.phrases.grammar import Language, Topic

_TOPICS = {
    "fitness": Topic(
        things=("tu rutina de la mañana", "la fuerza en casa", "tu primera dominada"),
        tips=(
            "Calienta {m} minutos antes de levantar peso",
            "Camina {m} minutos después de comer",
            "Entrena las piernas dos veces por semana",
            "Anota cada serie para saber cuándo subir el peso",
            "Duerme ocho horas, el músculo crece de noche",
            "Para antes de perder la técnica",
            "Bebe un vaso de agua antes de entrenar",
            "Estira la cadera {m} minutos por la noche",
        ),
        hashtags=("fitness", "entrenamiento", "ejercicioencasa"),
    ),
    "finance": Topic(
        things=("tu primer presupuesto", "el dinero del mes", "tu fondo de emergencia"),
        tips=(
            "Abre otra cuenta y mueve el diez por ciento cada mes",
            "Cancela tres suscripciones que ya no usas",
            "Espera {m} días antes de una compra grande",
            "Paga primero la deuda más cara",
            "Aparta tres meses de alquiler antes de invertir",
            "Revisa tus gastos {m} minutos cada domingo",
            "Compara tus seguros en noviembre",
            "Da una tarea a cada euro antes de empezar el mes",
        ),
        hashtags=("finance", "dinero", "finanzaspersonales"),
    ),
    "skincare": Topic(
        things=("la piel seca en invierno", "tu rutina de noche", "el protector solar"),
        tips=(
            "Lava tu cara con agua tibia, nunca caliente",
            "Usa protector solar cada mañana, aunque llueva",
            "Prueba un solo producto y espera dos semanas",
            "Cambia la funda de la almohada cada tres días",
            "Deja secar el sérum {m} minutos antes de la crema",
            "No toques tu cara durante el día",
            "Nunca duermas con maquillaje",
            "Elige un limpiador suave sin perfume",
        ),
        hashtags=("skincare", "cuidadodelapiel", "pielsana"),
    ),
    "travel": Topic(
        things=("un fin de semana en Málaga", "viajar ligero", "los trenes baratos"),
        tips=(
            "Reserva el tren seis semanas antes del viaje",
            "Llega {m} minutos antes y come donde come la gente",
            "Lleva una sola bolsa y lava la ropa en el camino",
            "Descarga el mapa antes del vuelo",
            "Visita los museos el primer domingo del mes",
            "Lleva una copia del pasaporte en tu correo",
            "Pide una habitación tranquila en un piso alto",
            "Toma el primer barco y la playa será tuya",
        ),
        hashtags=("travel", "viajes", "viajarbarato"),
    ),
    "cooking": Topic(
        things=("la pasta fresca", "cocinar para uno", "tu salsa de tomate"),
        tips=(
            "Pon sal al agua hasta que sepa a mar",
            "Cocina la cebolla {m} minutos a fuego lento",
            "Reserva una taza de agua de la pasta",
            "Deja reposar la masa {m} minutos bajo un bol",
            "Tuesta las especias en una sartén seca",
            "Añade el limón al final, no al principio",
            "Congela hierbas frescas en aceite de oliva",
            "Afila el cuchillo antes de una comida grande",
        ),
        hashtags=("cooking", "cocina", "recetafacil"),
    ),
    "productivity": Topic(
        things=("el trabajo profundo", "tu plan de la mañana", "un buzón vacío"),
        tips=(
            "Planea mañana en {m} minutos antes de apagar el ordenador",
            "Haz lo más difícil antes del primer correo",
            "Apaga las notificaciones hasta el mediodía",
            "Trabaja en bloques de {m} minutos con descansos",
            "Escribe un solo objetivo en papel",
            "Di no a las reuniones sin agenda",
            "Agrupa las tareas pequeñas y termina todas juntas",
            "Revisa tu semana cada viernes por la tarde",
        ),
        hashtags=("productivity", "productividad", "habitos"),
    ),
    "study": Topic(
        things=("la semana de exámenes", "el vocabulario", "tus mejores apuntes"),
        tips=(
            "Ponte a prueba antes de leer el capítulo otra vez",
            "Estudia {m} minutos y luego sal a caminar",
            "Explica el tema en voz alta como una profesora",
            "Repasa las palabras después de un día y de una semana",
            "Deja el móvil en otra habitación",
            "Resuelve exámenes antiguos con reloj",
            "Escribe tus apuntes con tus propias palabras",
            "Empieza por el tema que menos te gusta",
        ),
        hashtags=("studytips", "estudiar", "tecnicasdeestudio"),
    ),
}

LANGUAGE = Language(
    code="es",
    hooks=(
        "{n} cosas que nadie te dice sobre {thing}",
        "{n} errores muy comunes con {thing}",
        "Nadie habla así sobre {thing}",
        "Lo que aprendí sobre {thing} en una semana",
        "La verdad sobre {thing}",
    ),
    extras=(
        "Tarda menos de lo que crees.",
        "Casi nadie lo hace.",
        "A mí me cambió todo.",
        "Empieza hoy, no el lunes.",
        "Es simple, pero funciona.",
    ),
    ctas=(
        "Sígueme para más consejos",
        "Guarda este post para después",
        "Con cuál empiezas? Dime en los comentarios",
        "Enlace en la bio con la lista completa",
        "Comparte esto con alguien que lo necesita",
    ),
    cta_words=("sígueme", "guarda este", "comentarios", "enlace en la bio", "comparte"),
    captions=(
        "Todo sobre {thing} ✨",
        "Segunda parte: {thing} 👇",
        "Hablemos de {thing} 🙌🏽",
        "Hoy toca {thing} 💡",
    ),
    bios=("Pasos pequeños, cada día", "Consejos sin ruido ✨", "Dos veces por semana"),
    topics=_TOPICS,
)
