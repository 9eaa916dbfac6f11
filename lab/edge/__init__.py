"""A stand-in of Cloudflare's load balancing, written from Cloudflare's documentation alone and not from hakit's code.

`checking` refuses what the documentation says is refused, `steering` says who serves a client, `prober` asks origins
for their health over real HTTP, and `front` is the edge that a running client talks to.
"""
