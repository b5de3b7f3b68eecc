import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFixture } from '@weft/testing';
import { Tokenizer } from '@weft/tokenizer';
import { expect, it } from 'vitest';
import { type Question, readQuestions } from '../data/squad.js';
import { bestAnswer, questionWindows } from './question-windows.js';

const { meta } = readFixture(new URL('../../fixtures/question-windows.safetensors', import.meta.url));
const given = meta.questions as {
  title: string;
  context: string;
  question: string;
  answer: { text: string; start: number } | null;
}[];
const tokenizer = new Tokenizer({
  tokenizer: meta.tokenizer,
  config: { cls_token: '[CLS]', sep_token: '[SEP]', pad_token: '[PAD]', tokenizer_class: 'BertTokenizer' },
});
const options = { maxLength: meta.length as number, stride: meta.stride as number };

/** Through a file in SQuAD's format, whose answers are counted in code points. */
async function questions(): Promise<Question[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
  try {
    const file = join(folder, 'squad.json');
    const data = given.map(({ title, context, question, answer }, i) => ({
      title,
      paragraphs: [
        {
          context,
          qas: [
            {
              id: String(i),
              question,
              is_impossible: answer === null,
              answers: answer ? [{ text: answer.text, answer_start: answer.start }] : [],
            },
          ],
        },
      ],
    }));
    writeFileSync(file, JSON.stringify({ data }));
    return await readQuestions(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it('windows and the places of answers are those of transformers', async () => {
  const windows = questionWindows(tokenizer, await questions(), options);
  expect(
    windows.map(({ question, example }) => ({
      question,
      inputIds: example.inputIds,
      tokenTypeIds: example.tokenTypeIds,
      start: example.startPositions,
      end: example.endPositions,
    })),
  ).toEqual(meta.windows);
});

const cases = meta.cases as { logits: [number[], number[]][]; noneAllowed: boolean; answers: string[] }[];
it.each(cases)('answers of case %# are those of transformers', async ({ logits, noneAllowed, answers }) => {
  const asked = await questions();
  const windows = questionWindows(tokenizer, asked, options);
  const found = asked.map(({ context }, q) => {
    const own = [...windows.keys()].filter((w) => windows[w]!.question === q);
    return bestAnswer(
      context,
      own.map((w) => windows[w]!),
      own.map((w) => ({ start: logits[w]![0], end: logits[w]![1] })),
      { allowsNone: noneAllowed, maxAnswerTokens: 30 },
    );
  });
  expect(found.map(({ text }) => text)).toEqual(answers);
  for (const [q, { text, start, end }] of found.entries())
    expect(asked[q]!.context.slice(start, end)).toBe(text);
});
