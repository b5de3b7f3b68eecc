// Writes src/unicode-data.ts: the character classes of the Rust library, which follow older versions of
// Unicode than Node does and differ between its stages. Run by hand: node scripts/unicode-tables.mjs
import { writeFileSync } from 'node:fs';
import rust from 'tokenizers';

const strip = rust.bertNormalizer({
  cleanText: false,
  handleChineseChars: false,
  stripAccents: true,
  lowercase: false,
});
const clean = rust.bertNormalizer({
  cleanText: true,
  handleChineseChars: false,
  stripAccents: false,
  lowercase: false,
});
const accents = rust.stripAccentsNormalizer();
const bert = rust.bertPreTokenizer();
const bytes = rust.byteLevelPreTokenizer(false, true);
const whitespace = rust.whitespacePreTokenizer();
const newer = ['NFD', 'NFKC', 'NFKD'].map((form) => [form, rust[`${form.toLowerCase()}Normalizer`]()]);

const pieces = (preTokenizer, text) => preTokenizer.preTokenizeString(text).length;
// Alone, and between marks of low and of high combining class.
const contexts = (c) => [c, `a${c}\u0316`, `a\u0345${c}`];
const classes = {
  LETTER: [(c) => pieces(bytes, `a${c}`) === 1, 'Letters of the byte-level pre-tokenizer.'],
  NUMBER: [(c) => pieces(bytes, `1${c}`) === 1, 'Numbers of the byte-level pre-tokenizer.'],
  PUNCTUATION: [(c) => pieces(bert, `a${c}b`) === 3, 'Punctuation of BERT, ASCII symbols among it.'],
  REMOVED: [(c) => clean.normalizeString(`a${c}b`) === 'ab', "What BERT's cleaning takes out."],
  NONSPACING: [(c) => strip.normalizeString(c) === '', "What BERT's stripping of accents takes out."],
  MARK: [(c) => accents.normalizeString(c) === '', 'What the StripAccents normalizer takes out.'],
  WORD: [
    (c) => whitespace.preTokenizeString(`a${c}`)[0][0] === `a${c}`,
    'What continues a word for the Whitespace pre-tokenizer.',
  ],
  SYMBOL: [
    (c) => whitespace.preTokenizeString(`!${c}`)[0][0] === `!${c}`,
    'What continues a run of symbols for it. Some characters are neither, nor space, and are lost.',
  ],
  UNDECOMPOSED: [
    (c) =>
      newer.some(([form, one]) =>
        contexts(c).some((text) => one.normalizeString(text) !== text.normalize(form)),
      ),
    "What newer versions of Unicode decompose or reorder and the library's does not.",
  ],
};

function rangesOf(belongs) {
  const numbers = [];
  let start = -1;
  let last = 0;
  for (let code = 0; code <= 0x110000; code++) {
    const inside =
      code < 0x110000 && !(code >= 0xd800 && code <= 0xdfff) && belongs(String.fromCodePoint(code));
    if (inside && start < 0) start = code;
    if (!inside && start >= 0) {
      numbers.push(start - last, code - start);
      last = code;
      start = -1;
    }
  }
  return numbers.map((number) => number.toString(36)).join(' ');
}

const lines = Object.entries(classes).map(
  ([name, [belongs, text]]) => `/** ${text} */\nexport const ${name} =\n  '${rangesOf(belongs)}';`,
);
writeFileSync(
  new URL('../src/unicode-data.ts', import.meta.url),
  `// Written by scripts/unicode-tables.mjs from the Rust library 0.23.2: for each range, how far it starts after\n// the end of the one before, and its length, in base 36.\n\n${lines.join('\n\n')}\n`,
);
