// Signed messages: JWS with ES256, as the draft has them. Nothing but Node's own library.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";

export const SIGNED = "application/agent-recovery-jws";

const text = (bytes: Buffer | string) => Buffer.from(bytes).toString("base64url");

/** A private key on the curve P-256, as `recovery keys generate` or openssl writes it (PEM). */
export class Signer {
  private readonly key: KeyObject;
  private readonly name: string;

  constructor(file: string) {
    this.key = createPrivateKey(readFileSync(file));
    const { crv, kty, x, y } = createPublicKey(this.key).export({ format: "jwk" });
    if (crv !== "P-256") throw new Error(`${file} holds no key on the curve P-256`);
    this.name = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("hex"); // its thumbprint (RFC 7638), as the host names it
  }

  sign(message: unknown): string {
    const statement = `${text(JSON.stringify({ alg: "ES256", kid: this.name, typ: "agent-recovery-jws" }))}.${text(JSON.stringify(message))}`;
    return `${statement}.${text(sign("sha256", Buffer.from(statement), { key: this.key, dsaEncoding: "ieee-p1363" }))}`; // r and s, and not ASN.1
  }
}
