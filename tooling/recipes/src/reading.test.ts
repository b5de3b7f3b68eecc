import { BertForQuestionAnswering, bertConfigSchema } from '@weft/bert';
import { trainWordPiece } from '@weft/tokenizer';
import { expect, it } from 'vitest';
import { readingQuestions, readingWindows, shownText, softPlace, tokenTargets } from './reading.js';
import { SoftSpans } from './soft-labels.js';

const context = '😀 The weaver works at the old loom, and the cat sleeps on it.';
const question = 'Who sleeps?';
// The face is one code point and two of UTF-16.
const points = context.indexOf('the cat') - 1;
const file = {
  data: [
    {
      title: 'a',
      paragraphs: [
        {
          context,
          qas: [
            { id: '1', question, answers: [{ text: 'the cat', answer_start: points }] },
            { id: '2', question: 'Why?', answers: [] },
          ],
        },
      ],
    },
  ],
};
const tokenizer = trainWordPiece([context, question, 'Why?'], { vocabSize: 90 });
const questions = readingQuestions(file);

it('counts places in UTF-16', () => {
  const [first, last] = questions[0]!.answer!;
  expect(context.slice(first, last + 1)).toBe('the cat');
  expect(questions[1]!.answer).toBeUndefined();
});

it('puts the mass of characters on the tokens of a window, and what is not shown on [CLS]', () => {
  const windows = readingWindows(tokenizer, questions, { maxLength: 20, stride: 4 });
  const own = windows.filter((window) => window.question === question);
  expect(own.length).toBeGreaterThan(1);
  const [first, last] = own[0]!.answer!;
  for (const window of own) {
    const { text, start } = shownText(window);
    expect(context.slice(start, start + text.length)).toBe(text);
    const shown = first >= start && first < start + text.length;
    const targets = tokenTargets(window, [[first, 0.75]]);
    expect(targets.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(targets[0]).toBeCloseTo(shown ? 0.25 : 1, 12);
    if (shown) {
      const token = targets.indexOf(0.75);
      expect(window.places[token]![0]).toBe(first);
    }
  }
  expect(own.some(({ places }) => places.some((place) => place?.[1] === last + 1))).toBe(true);
});

it('keeps the likeliest places of the context, by all the probability there is', () => {
  const [window] = readingWindows(tokenizer, questions, { maxLength: 128, stride: 8 });
  const logits = new Float32Array(window!.places.length);
  const token = window!.places.findLastIndex((place) => place !== undefined);
  logits[token] = 20;
  logits[0] = 20;
  const [[character, probability]] = softPlace(window!, logits, 'last', 3) as [[number, number]];
  expect(character).toBe(window!.places[token]![1] - 1);
  expect(probability).toBeCloseTo(0.5, 3);
});

it("has the loss of the model's own head where all mass is on one token", () => {
  const config = bertConfigSchema.parse({
    ...{ vocab_size: tokenizer.vocabSize, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 },
    ...{ intermediate_size: 32, max_position_embeddings: 128 },
    ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
  });
  using student = new BertForQuestionAnswering(config, { seed: 1 });
  const model = new SoftSpans(student);
  const inputIds = [[2, 7, 8, 9, 3]];
  const hot = (at: number): number[] => [0, 1, 2, 3, 4].map((t) => Number(t === at));
  const soft = model.forward({ inputIds, firstTargets: [hot(2)], lastTargets: [hot(3)] });
  const hard = student.forward({ inputIds, startPositions: [2], endPositions: [3] });
  expect(soft.loss.dataSync()[0]).toBeCloseTo(hard.loss!.dataSync()[0]!, 5);
});
