import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@weft/errors';
import { trainUnigram, trainWordPiece } from '@weft/tokenizer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { dataFile } from './files.js';
import { type Language, pairs, scores, source } from './multi30k.js';
import { EffortCallback } from './run.js';
import { readSentences } from './sst2.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-recipes-'));
const english = ['A weaver works.', 'The loom is very old and made of oak.', 'A thread breaks.'];
const translated: Record<Language, string[]> = {
  de: ['Ein Weber arbeitet.', 'Der Webstuhl ist sehr alt und aus Eiche.', 'Ein Faden reisst.'],
  fr: ['Un tisserand travaille.', 'Le metier est tres vieux et en chene.', 'Un fil casse.'],
};

beforeAll(() => {
  vi.stubEnv('WEFT_DATA', folder);
  mkdirSync(join(folder, 'multi30k'));
  const write = (code: string, texts: readonly string[]): void =>
    writeFileSync(join(folder, `multi30k/val.${code}`), `${texts.join('\n')}\n`);
  write('en', english);
  for (const [code, texts] of Object.entries(translated)) write(code, texts);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tokenizer = trainUnigram([...english, ...Object.values(translated).flat()], { vocabSize: 120 });

it('pairs each sentence with both languages, prefix first', () => {
  const all = pairs(tokenizer, 'val');
  expect(all).toHaveLength(6);
  expect(tokenizer.decode(all[3]!.labels, { skipSpecialTokens: true })).toBe(translated.fr[0]);
  expect(all[4]!.attentionMask).toEqual(all[4]!.inputIds.map(() => 1));
  expect(source('x', 'de')).toBe('translate English to German: x');
});

it('scores what is written in the order of the sentences', async () => {
  const sources = (language: Language) =>
    tokenizer.encodeBatch(english.map((text) => source(text, language))).inputIds.map((ids) => ids.join());
  const answers = new Map(
    (['de', 'fr'] as const).flatMap((language) =>
      sources(language).map((key, i) => [key, translated[language][i]!] as const),
    ),
  );
  const write = async (rows: number[][]) =>
    rows.map((ids) => tokenizer.encode(answers.get(ids.join())!).inputIds);
  const { de, fr } = await scores(write, tokenizer, 'val');
  expect([de!.bleu, fr!.bleu, de!.chrf]).toEqual([100, 100, 100].map((value) => expect.closeTo(value, 6)));
  const silent = await scores(async (rows) => rows.map(() => []), tokenizer, 'val');
  expect(silent.de!.bleu).toBe(0);
});

it('names the line of a sentence without a label, and the folder that lacks a file', () => {
  const words = trainWordPiece(english, { vocabSize: 60 });
  expect(readSentences(words, 'sentence\tlabel\na weaver\t1\n')).toEqual([
    expect.objectContaining({ label: 1 }),
  ]);
  expect(() => readSentences(words, 'sentence\tlabel\na\t1\na thread 0\n')).toThrow(/line 3/);
  expect(() => dataFile('sst2/none.tsv')).toThrow(DataError);
});

it('adds up the time of a run over its processes', async () => {
  writeFileSync(join(folder, 'effort.json'), JSON.stringify({ seconds: 1000, cpuSeconds: 1800 }));
  const callback = new EffortCallback(folder);
  await callback.onSave();
  expect(new EffortCallback(folder).effort.seconds).toBeGreaterThanOrEqual(1000);
  expect(callback.effort.cpuSeconds).toBeLessThan(1900);
});
