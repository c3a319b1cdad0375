// Finds the counter that a challenge of subscribers/signup/proof_of_work.py asks for (ALTCHA v2, SHA-256, uint32 counter).
import { digest } from "./sha256.js";

/** @param {string} hex */
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
/** @param {Uint8Array} data */
const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Tries counters from `from` on, at most `most` of them; the answer to send, or null.
 * @param {{ parameters: { salt: string, nonce: string, cost: number, keyPrefix: string, keyLength: number } }} challenge
 * @param {number} from
 * @param {number} most
 */
export function attempt(challenge, from, most) {
  const { salt, nonce, cost, keyPrefix, keyLength } = challenge.parameters;
  const head = new Uint8Array([...bytes(salt), ...bytes(nonce)]);
  const message = new Uint8Array(head.length + 4);
  message.set(head);
  const view = new DataView(message.buffer);
  const prefix = bytes(keyPrefix);
  const key = new Uint8Array(32);
  for (let counter = from; counter < from + most; counter++) {
    view.setUint32(head.length, counter);
    digest(message, key);
    for (let i = 1; i < cost; i++) digest(key, key);
    if (prefix.every((byte, i) => key[i] === byte))
      return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey: hex(key.subarray(0, keyLength)) } }));
  }
  return null;
}

export const MOST = 200_000;
