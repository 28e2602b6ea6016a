"""Loopback stand-ins for ScrapeCreators, TikTok's CDN and Gemini, with a world they agree on.

It imports nothing of the product and the product imports nothing of it: they meet over HTTP only,
so that the sandbox can't agree with the product's mistakes.
"""
