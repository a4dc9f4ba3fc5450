// The functions of clients_test.go, by the package jsonwebtoken, with the keys of node:crypto.
import crypto from "node:crypto";
import { createRequire } from "node:module";
import jwt from "jsonwebtoken";
import { serve } from "./lines.mjs";

const require = createRequire(import.meta.url);
const curves = { ES256: "P-256", ES384: "P-384", ES512: "P-521", ES256K: "secp256k1" };
const pairs = {};

function pair(alg) {
  if (curves[alg]) {
    return (pairs[alg] ??= crypto.generateKeyPairSync("ec", { namedCurve: curves[alg] }));
  }
  if (alg.startsWith("Ed")) {
    return (pairs.Ed ??= crypto.generateKeyPairSync("ed25519"));
  }
  return (pairs.RSA ??= crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }));
}

function importKey({ format, text }, isPrivate) {
  switch (format) {
    case "secret":
      return text;
    case "pem":
      return text;
    case "jwk":
      return (isPrivate ? crypto.createPrivateKey : crypto.createPublicKey)({ key: JSON.parse(text), format: "jwk" });
  }
  throw new Error(`format ${format}`);
}

await serve({
  about: ({ algorithms }) => {
    const known = algorithms.filter((algorithm) => {
      const secret = algorithm.startsWith("HS");
      try {
        const token = jwt.sign({}, secret ? "a secret that is long enough" : pair(algorithm).privateKey, { algorithm });
        jwt.verify(token, secret ? "a secret that is long enough" : pair(algorithm).publicKey, { algorithms: [algorithm] });
        return true;
      } catch {
        return false;
      }
    });
    return { version: require("jsonwebtoken/package.json").version, algorithms: known };
  },
  generate: ({ alg }) => {
    const { privateKey, publicKey } = pair(alg);
    return {
      private: {
        pem: privateKey.export({ format: "pem", type: "pkcs8" }),
        jwk: JSON.stringify({ ...privateKey.export({ format: "jwk" }), alg }),
      },
      public: {
        pem: publicKey.export({ format: "pem", type: "spki" }),
        jwk: JSON.stringify({ ...publicKey.export({ format: "jwk" }), alg }),
      },
    };
  },
  sign: ({ alg, kid, key, claims }) => ({
    token: jwt.sign(JSON.parse(claims), importKey(key, true), { algorithm: alg, keyid: kid }),
  }),
  verify: ({ alg, key, token, audience, issuer }) => ({
    claims: JSON.stringify(jwt.verify(token, importKey(key, false), { algorithms: [alg], audience, issuer })),
  }),
});
