"""google-genai: automatic function calling; `sync`, `async`, `stream`."""

import asyncio

import bookings
from google import genai
from google.genai import types

CLIENT = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=bookings.MODEL_URL))
ASKED = {"model": bookings.MODEL, "contents": bookings.TASK}
PLAIN = types.GenerateContentConfig(tools=list(bookings.PLAIN))
COROUTINES = types.GenerateContentConfig(tools=list(bookings.COROUTINES))


async def asynchronous(config: types.GenerateContentConfig) -> str:
    return (await CLIENT.aio.models.generate_content(**ASKED, config=config)).text


match bookings.VARIANT:
    case "sync":
        print(CLIENT.models.generate_content(**ASKED, config=PLAIN).text)
    case "stream":
        parts = CLIENT.models.generate_content_stream(**ASKED, config=PLAIN)
        print("".join(part.text or "" for part in parts))
    case "async":
        print(asyncio.run(asynchronous(COROUTINES)))
    case "threads":
        print(asyncio.run(asynchronous(PLAIN)))
