import type { AlignedText, Replacement } from './aligned-text.js';
import { undecomposed } from './unicode.js';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Brings a text to a Unicode normalization form and keeps track of places. */
export function toUnicodeForm(text: AlignedText, form: UnicodeForm): AlignedText {
  if (isAscii(text.text)) return text;
  const out: Replacement = { codes: [], changes: [] };
  let run = '';
  const flush = (): void => {
    if (run === '') return;
    const { codes, changes } = normalizeRun(run, form);
    for (let i = 0; i < codes.length; i++) {
      out.codes.push(codes[i]!);
      out.changes.push(changes[i]!);
    }
    run = '';
  };
  for (const character of text.text) {
    const code = character.codePointAt(0)!;
    if (!undecomposed().has(code)) {
      run += character;
      continue;
    }
    // The library's version of Unicode does not know it: nothing passes it, and it stays as it is.
    flush();
    out.codes.push(code);
    out.changes.push(0);
  }
  flush();
  return text.transform(out);
}

function normalizeRun(text: string, form: UnicodeForm): Replacement {
  const decomposed = decompose(text, form === 'NFKC' || form === 'NFKD' ? 'NFKD' : 'NFD');
  return form === 'NFC' || form === 'NFKC' ? compose(decomposed) : decomposed;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

const codesOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0)!);

function decompose(text: string, form: 'NFD' | 'NFKD'): Replacement {
  const codes: number[] = [];
  const changes: number[] = [];
  for (const character of text) {
    let isFirst = true;
    for (const out of character.normalize(form)) {
      codes.push(out.codePointAt(0)!);
      changes.push(isFirst ? 0 : 1);
      isFirst = false;
    }
  }
  // Marks that follow each other are put in their canonical order, equal ones in the order they came.
  return assemble({ codes, changes }, codesOf(text.normalize(form)), (code) => [code]);
}

function compose(decomposed: Replacement): Replacement {
  const text = decomposed.codes.map((code) => String.fromCodePoint(code)).join('');
  const memo = new Map<number, number[]>();
  return assemble(decomposed, codesOf(text.normalize('NFC')), (code) => {
    let parts = memo.get(code);
    if (parts === undefined) {
      parts = codesOf(String.fromCodePoint(code).normalize('NFD'));
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
