import type { DecodingInput, DecodingSession, GenerativeModel } from '@weft/generation';
import { trainByteLevelBpe } from '@weft/tokenizer';
import { describe, expect, it } from 'vitest';
import { plainGeneration } from '../pool/plain.js';
import type { FromWorker, GenerateParams } from '../pool/protocol.js';
import { Cohort, takeCohort } from './cohort.js';
import { Job } from './job.js';
import { prepareRequest } from './prepare.js';
import type { ServedModel } from './served-model.js';

const tokenizer = trainByteLevelBpe(['warp and weft'], { vocabSize: 260 });
const VOCAB = tokenizer.vocabSize;

/** After token t it expects t + 1, and counts what it is asked. */
class Counting implements DecodingSession {
  readonly vocabSize = VOCAB;
  length = 0;
  batchSize: number;
  steps = 0;
  rows = 0;
  isDisposed = false;

  constructor({ inputIds }: DecodingInput) {
    this.batchSize = inputIds.length;
  }

  step(tokens: readonly (readonly number[])[]): Float32Array {
    this.steps++;
    this.rows += tokens.length;
    this.length += tokens[0]!.length;
    const logits = new Float32Array(tokens.length * VOCAB);
    tokens.forEach((row, i) => {
      logits[i * VOCAB + ((row.at(-1)! + 1) % VOCAB)] = 5;
    });
    return logits;
  }

  reorder(indices: readonly number[]): void {
    this.batchSize = indices.length;
  }

  crop(): void {}

  dispose(): void {
    this.isDisposed = true;
  }
}

let session: Counting;
const generative: GenerativeModel = {
  isEncoderDecoder: false,
  maxPositions: 64,
  generationDefaults: { eosTokenId: 200 },
  startDecoding: (input) => {
    session = new Counting(input);
    return session;
  },
};
const served = { tokenizer, generative, info: {} } as unknown as ServedModel;

const plain: GenerateParams = {
  ...plainGeneration,
  prompts: [[40]],
  maxNewTokens: 4,
  temperature: 0,
  stream: false,
};

function request(params: Partial<GenerateParams>) {
  const sent: FromWorker[] = [];
  const job = new Job(1, 'generate', { ...plain, ...params }, (message) => sent.push(message));
  return { job, sent, prepared: prepareRequest(served, job) };
}

const newCohort = (...requests: ReturnType<typeof request>[]): Cohort =>
  new Cohort(
    generative,
    requests.map(({ prepared }) => prepared),
    { padTokenId: 0 },
  );

const resultOf = ({ sent }: ReturnType<typeof request>) =>
  (sent.at(-1) as { result: { rows: { text: string; finish: string; tokens: number }[] } }).result;

describe('a cohort', () => {
  it('decodes unlike requests together, each by its own rules', () => {
    const greedy = request({ prompts: [[40, 41]] });
    const ends = request({ prompts: [[198]], maxNewTokens: 10 });
    const copies = request({ prompts: [[50]], n: 2, maxNewTokens: 2, temperature: 1, topK: 1 });
    const cohort = newCohort(greedy, ends, copies);
    let steps = 0;
    while (!cohort.step()) steps++;
    expect(steps).toBe(3);
    // 'K' is 42 in a byte-level vocabulary that begins with '!' at 0 or 1: the decoder says.
    expect(resultOf(greedy).rows[0]).toMatchObject({
      text: tokenizer.decode([42, 43, 44, 45]),
      finish: 'length',
      tokens: 4,
    });
    expect(resultOf(ends).rows[0]).toMatchObject({ finish: 'stop', tokens: 2 });
    expect(resultOf(copies).rows.map(({ text }) => text)).toEqual(Array(2).fill(tokenizer.decode([51, 52])));
  });

  it('feeds a cancelled row no token more, and ends when nobody is left', () => {
    const [first, second] = [request({ maxNewTokens: 50 }), request({ maxNewTokens: 50 })];
    const cohort = newCohort(first, second);
    cohort.step();
    cohort.step();
    first.job.controller.abort();
    const before = session.rows;
    expect(cohort.step()).toBe(false);
    expect(session.rows - before).toBe(1);
    expect(first.sent.at(-1)).toEqual({ type: 'end', id: 1 });
    second.job.controller.abort();
    const { steps } = session;
    expect(cohort.step()).toBe(true);
    expect(session.steps).toBe(steps);
  });

  it('lets a request fail alone', () => {
    const bad = request({ n: 2 });
    const good = request({ prompts: [[60]] });
    const cohort = newCohort(bad, good);
    bad.prepared.rows[1]!.advance = () => {
      throw new Error('broken');
    };
    while (!cohort.step());
    expect(bad.sent.at(-1)).toMatchObject({ type: 'end', error: { code: 'internal_error' } });
    expect(resultOf(good).rows[0]!.text).toBe(tokenizer.decode([61, 62, 63, 64]));
  });

  it('shares the first step of copies, and loses a request before it', () => {
    const gone = request({ n: 3 });
    const stays = request({ n: 3, prompts: [[60]] });
    const cohort = newCohort(gone, stays);
    gone.job.controller.abort();
    cohort.step();
    expect(session.rows).toBe(2);
    expect(session.batchSize).toBe(3);
    while (!cohort.step());
    expect(resultOf(stays).rows).toHaveLength(3);
  });
});

describe('takeCohort', () => {
  const lengths = (longest: number, maxNewTokens: number, n = 1) =>
    request({ prompts: [new Array(longest).fill(40)], maxNewTokens, n }).prepared;

  it('takes what fits together, in order, and passes over what does not', () => {
    const [a, b, c] = [lengths(10, 50), lengths(60, 4), lengths(12, 20)];
    // 60 and then 50 more would be more positions than there are.
    expect(takeCohort([a, b, c], { maxBatch: 8, maxPositions: 64 })).toEqual([a, c]);
    expect(takeCohort([b, c, a], { maxBatch: 8, maxPositions: 64 })).toEqual([b]);
  });

  it('holds to the number of rows, but takes a first that is larger', () => {
    const [a, b, c] = [lengths(2, 2, 3), lengths(2, 2, 2), lengths(2, 2)];
    expect(takeCohort([a, b, c], { maxBatch: 4 })).toEqual([a, c]);
    expect(takeCohort([a, b], { maxBatch: 1 })).toEqual([a]);
  });
});
