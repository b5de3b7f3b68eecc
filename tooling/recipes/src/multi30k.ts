import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AutoTokenizer, type Tokenizer, trainUnigram } from '@weft/tokenizer';
import { bleu, chrf } from '@weft/trainer';
import { dataFile, lines } from './files.js';

const NAMES = { de: 'German', fr: 'French' } as const;
export type Language = keyof typeof NAMES;
export const languages: readonly Language[] = ['de', 'fr'];

export interface Pair {
  inputIds: number[];
  attentionMask: number[];
  labels: number[];
}

/** Writes a target for each row of ids, by beam search. */
export type Writer = (inputIds: number[][]) => Promise<number[][]>;

/** The text that a T5 is given for a sentence. */
export function source(sentence: string, language: Language): string {
  return `translate English to ${NAMES[language]}: ${sentence}`;
}

/** A Unigram vocabulary of the three languages, trained once; a run that goes on reads it back. */
export async function vocabulary(folder: string): Promise<Tokenizer> {
  if (existsSync(join(folder, 'tokenizer.json'))) return AutoTokenizer.fromPretrained(folder);
  const texts = ['en', ...languages].flatMap((code) => lines(dataFile(`multi30k/train.${code}`)));
  const prefixes = languages.map((language) => source('', language));
  // The prefix as often as it will be read, so that each of its words becomes one piece.
  const tokenizer = trainUnigram([...texts, ...texts.map((_, i) => prefixes[i % prefixes.length]!)], {
    vocabSize: 6000,
  });
  await tokenizer.savePretrained(folder);
  return tokenizer;
}

/** A split as ids, all languages. */
export function pairs(tokenizer: Tokenizer, split: string): Pair[] {
  const english = lines(dataFile(`multi30k/${split}.en`));
  return languages.flatMap((language) => {
    const { inputIds, attentionMask } = tokenizer.encodeBatch(english.map((text) => source(text, language)));
    const { inputIds: labels } = tokenizer.encodeBatch(lines(dataFile(`multi30k/${split}.${language}`)));
    return inputIds.map((ids, i) => ({
      inputIds: ids,
      attentionMask: attentionMask[i]!,
      labels: labels[i]!,
    }));
  });
}

/** BLEU and chrF over a split, a language. */
export async function scores(
  write: Writer,
  tokenizer: Tokenizer,
  split: string,
): Promise<Record<string, { bleu: number; chrf: number }>> {
  const english = lines(dataFile(`multi30k/${split}.en`));
  const result: Record<string, { bleu: number; chrf: number }> = {};
  for (const language of languages) {
    const references = lines(dataFile(`multi30k/${split}.${language}`)).map((text) => [text]);
    const sources = english.map((sentence) => source(sentence, language));
    const written = await translate(write, tokenizer, sources);
    result[language] = { bleu: bleu(written, references).score, chrf: chrf(written, references) };
  }
  return result;
}

/** Batches of like length, so that little is padded; results in the order of the texts. */
async function translate(write: Writer, tokenizer: Tokenizer, texts: string[]): Promise<string[]> {
  const { inputIds } = tokenizer.encodeBatch(texts);
  const order = inputIds.map((_, i) => i).sort((a, b) => inputIds[a]!.length - inputIds[b]!.length);
  const written = new Array<string>(texts.length);
  for (let start = 0; start < order.length; start += 50) {
    const batch = order.slice(start, start + 50);
    const ids = await write(batch.map((i) => inputIds[i]!));
    for (const [k, i] of batch.entries()) {
      written[i] = tokenizer.decode(ids[k]!, { skipSpecialTokens: true });
    }
  }
  return written;
}
