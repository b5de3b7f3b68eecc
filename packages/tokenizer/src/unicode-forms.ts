import type { AlignedText, Replacement } from './aligned-text.js';
import { undecomposed } from './unicode.js';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Brings a text to a Unicode normalization form and keeps track of places. */
export function toUnicodeForm(text: AlignedText, form: UnicodeForm): AlignedText {
  if (isAscii(text.text)) return text;
  const isCompatible = form === 'NFKC' || form === 'NFKD';
  const decomposed = decompose(text.text, isCompatible ? 'NFKD' : 'NFD');
  return text.transform(form === 'NFC' || form === 'NFKC' ? compose(decomposed) : decomposed);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

const codesOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0)!);

function decompose(text: string, form: 'NFD' | 'NFKD'): Replacement {
  const codes: number[] = [];
  const changes: number[] = [];
  let hasNewer = false;
  for (const character of text) {
    const isNewer = undecomposed().has(character.codePointAt(0)!);
    hasNewer ||= isNewer;
    let isFirst = true;
    for (const out of isNewer ? character : character.normalize(form)) {
      codes.push(out.codePointAt(0)!);
      changes.push(isFirst ? 0 : 1);
      isFirst = false;
    }
  }
  if (hasNewer) return { codes, changes };
  // Marks that follow each other are put in their canonical order, equal ones in the order they came.
  return assemble({ codes, changes }, codesOf(text.normalize(form)), (code) => [code]);
}

function compose(decomposed: Replacement): Replacement {
  const text = decomposed.codes.map((code) => String.fromCodePoint(code)).join('');
  const memo = new Map<number, number[]>();
  return assemble(decomposed, codesOf(text.normalize('NFC')), (code) => {
    let parts = memo.get(code);
    if (parts === undefined) {
      parts = undecomposed().has(code) ? [code] : codesOf(String.fromCodePoint(code).normalize('NFD'));
      memo.set(code, parts);
    }
    return parts;
  });
}

/** The changes of `codes`, each of which stands for the parts of `source` that `partsOf` names. */
function assemble(source: Replacement, codes: number[], partsOf: (code: number) => number[]): Replacement {
  const isUsed = new Uint8Array(source.codes.length);
  const changes: number[] = [];
  let first = 0;
  for (const code of codes) {
    const parts = partsOf(code);
    let change = 1 - parts.length;
    for (const part of parts) {
      while (first < isUsed.length && isUsed[first]) first++;
      let at = first;
      while (at < isUsed.length && (isUsed[at] || source.codes[at] !== part)) at++;
      if (at === isUsed.length) continue;
      isUsed[at] = 1;
      change += source.changes[at]!;
    }
    changes.push(change);
  }
  return { codes, changes };
}
