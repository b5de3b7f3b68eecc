import { expectClose, readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { type GenerationOptions, generate, type RowContext } from '../src/index.js';
import { tableModel, tablesOf } from './table-model.js';

interface Case {
  name: string;
  model: 'causal' | 'seq2seq';
  options: GenerationOptions & { custom?: keyof typeof custom };
  prompts: number[][];
  /** Empty where tokens were drawn. */
  ids: number[][];
  sequencesScores?: number[];
  beamIndices?: number[][];
}

const fixture = readFixture(new URL('../fixtures/generated.safetensors', import.meta.url));
const cases = fixture.meta.cases as Case[];
const defaults = { decoderStartTokenId: fixture.meta.start as number };
const models = {
  causal: tableModel(tablesOf(fixture), { defaults }),
  seq2seq: tableModel(tablesOf(fixture), { defaults, isEncoderDecoder: true }),
};
const tables = tablesOf(fixture);
/** The same models whose sessions give likeliest tokens where they can. */
const likeliest = {
  causal: tableModel(tables, { defaults, likeliest: true }),
  seq2seq: tableModel(tables, { defaults, likeliest: true, isEncoderDecoder: true }),
};
const assistants = { same: models.causal, other: tableModel(tablesOf(fixture, 'other.')) };
const vocabulary = fixture.meta.vocabulary as string[];
const tokenizer = { decode: (ids: readonly number[]) => ids.map((id) => vocabulary[id]).join('') };

/** What the generator's own processor and criterion do. */
const custom = {
  raiseFive: {
    logitsProcessors: [
      (scores: Float32Array): void => {
        scores[5]! += 3;
      },
    ],
  },
  lastTwoDivide: {
    stoppingCriteria: [({ tokens }: RowContext): boolean => (tokens.at(-1)! + tokens.at(-2)!) % 5 === 0],
  },
} satisfies Record<string, GenerationOptions>;

function optionsOf({ name, options: { custom: own, ...options } }: Case): GenerationOptions {
  const assistant = /^assisted\.(same|other)/.exec(name)?.[1] as keyof typeof assistants | undefined;
  return {
    ...options,
    tokenizer,
    ...(own ? custom[own] : {}),
    ...(assistant ? { assistantModel: assistants[assistant] } : {}),
  };
}

function ofKind(kind: Case['model']): [string, Case][] {
  return cases.filter(({ model, ids }) => model === kind && ids.length > 0).map((each) => [each.name, each]);
}

async function check(each: Case, of = models): Promise<void> {
  const { sequences, sequencesScores, beamIndices } = await generate(
    of[each.model],
    each.prompts,
    optionsOf(each),
  );
  expect(sequences).toEqual(each.ids);
  if (!each.sequencesScores) return;
  expectClose(sequencesScores!, each.sequencesScores, { atol: 1e-6, rtol: 1e-6 }, 'sequencesScores');
  expect(beamIndices).toEqual(each.beamIndices);
}

describe('ids are those of transformers, causal', () => {
  it.each(ofKind('causal'))('%s', (_, each) => check(each));
});

describe('ids are those of transformers, encoder-decoder', () => {
  it.each(ofKind('seq2seq'))('%s', (_, each) => check(each));
});

describe('ids are the same where a session gives the likeliest tokens alone', () => {
  it.each([...ofKind('causal'), ...ofKind('seq2seq')])('%s', (_, each) => check(each, likeliest));
});

describe('scores and logits are those of transformers', () => {
  const scored = cases.filter(({ name, model }) => fixture.tensors[`scores.${model}.${name}`]);
  it.each(scored.map((each) => [`${each.model} ${each.name}`, each] as const))('%s', async (_, each) => {
    const options = { ...optionsOf(each), outputScores: true, outputLogits: true };
    const out = await generate(models[each.model], each.prompts, options);
    for (const kind of ['scores', 'logits'] as const) {
      const expected = fixture.tensor(`${kind}.${each.model}.${each.name}`);
      const [steps, rows, vocab] = expected.shape as [number, number, number];
      expect(out[kind]).toHaveLength(steps);
      for (const [step, values] of out[kind]!.entries()) {
        const size = rows * vocab;
        const python = expected.data.subarray(step * size, (step + 1) * size);
        expectClose(values, python, { atol: 2e-6, rtol: 1e-6 }, `${kind} of step ${step}`);
      }
    }
  });
});

it('no session stays open', () => {
  for (const model of [...Object.values(models), ...Object.values(assistants)]) {
    expect(model.counters.open).toBe(0);
  }
});
