"""The functions of clients_test.go, by PyJWT.

Answers requests, one JSON object a line, until the input ends.
"""

import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1, "ES256K": ec.SECP256K1}
pairs = {}


def ec_key(curve):
    """A key whose numbers have no zero octet at the start: PyJWT 2.6 writes JWKs without
    these octets, and does not read such a JWK itself."""
    size = (curve.key_size + 7) // 8
    while True:
        key = ec.generate_private_key(curve)
        public, private = key.public_key().public_numbers(), key.private_numbers()
        if min(public.x, public.y, private.private_value).bit_length() > 8 * (size - 1):
            return key


def pair(alg):
    kind = alg if alg in CURVES else alg[:2].replace("PS", "RS")
    if kind not in pairs:
        if alg in CURVES:
            pairs[kind] = ec_key(CURVES[alg]())
        elif alg.startswith("Ed"):
            pairs[kind] = ed25519.Ed25519PrivateKey.generate()
        else:
            pairs[kind] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return pairs[kind]


def import_key(key, alg):
    kind, text = key["format"], key["text"]
    if kind == "jwk":
        return jwt.PyJWK.from_json(text, alg).key
    if kind in ("pem", "secret"):
        return text
    raise ValueError(f"format {kind}")


def verifying_key(key, alg, token):
    if key["format"] == "url":
        return jwt.PyJWKClient(key["text"]).get_signing_key_from_jwt(token).key
    if key["format"] == "jwks":
        kid = jwt.get_unverified_header(token)["kid"]
        found = [k for k in jwt.PyJWKSet.from_json(key["text"]).keys if k.key_id == kid]
        if not found:
            raise jwt.InvalidKeyError("no key of the set has this ID")
        return found[0].key
    return import_key(key, alg)


def about(request):
    known = jwt.algorithms.get_default_algorithms()
    return {"version": jwt.__version__, "algorithms": [a for a in request["algorithms"] if a in known]}


def generate(request):
    alg, private = request["alg"], pair(request["alg"])
    public = private.public_key()
    algorithm = jwt.algorithms.get_default_algorithms()[alg]

    def jwk(key):
        return json.dumps({**json.loads(algorithm.to_jwk(key)), "alg": alg})

    return {
        "private": {
            "pem": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "jwk": jwk(private),
        },
        "public": {
            "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "jwk": jwk(public),
        },
    }


def sign(request):
    key = import_key(request["key"], request["alg"])
    return {"token": jwt.encode(json.loads(request["claims"]), key, request["alg"], {"kid": request["kid"]})}


def verify(request):
    key = verifying_key(request["key"], request["alg"], request["token"])
    claims = jwt.decode(
        request["token"],
        key,
        algorithms=[request["alg"]],
        audience=request.get("audience"),
        issuer=request.get("issuer"),
        options={"verify_aud": "audience" in request},
    )
    return {"claims": json.dumps(claims)}


FUNCTIONS = {"about": about, "generate": generate, "sign": sign, "verify": verify}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = FUNCTIONS[request["op"]](request)
    except Exception as e:
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)
