import { Buffer } from 'node:buffer';

/** The printable character that stands for each byte in byte-level vocabularies. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(isPrintable ? byte : next++);
  });
})();

/** The byte of each such character, by its code; -1 for all others. */
export const BYTE_OF_CHARACTER: Int16Array = (() => {
  const bytes = new Int16Array(512).fill(-1);
  BYTE_CHARACTERS.forEach((character, byte) => {
    bytes[character.charCodeAt(0)] = byte;
  });
  return bytes;
})();

export function utf8Of(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
