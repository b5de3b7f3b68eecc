import { RequestError } from '../request-error.js';
import type { Job } from './job.js';
import { padRight } from './padding.js';
import { checkIds } from './prepare.js';
import type { ServedModel } from './served-model.js';

interface Text {
  job: Job<'embed'>;
  place: number;
  ids: number[];
}

/** What one pass of the encoder was; the scheduler counts it. */
export interface Pass {
  rows: number;
  tokens: number;
}

/** Embeds the texts of several requests together, `maxBatch` at a time, those of like length side by side. */
export function* embedTogether(
  served: ServedModel,
  jobs: readonly Job<'embed'>[],
  maxBatch: number,
): Generator<Pass, void> {
  const results = new Map<Job, { embeddings: Float32Array[]; left: number; tokens: number }>();
  const texts: Text[] = [];
  for (const job of jobs) {
    try {
      const own = tokenized(served, job);
      const tokens = own.reduce((sum, { ids }) => sum + ids.length, 0);
      results.set(job, { embeddings: new Array(own.length), left: own.length, tokens });
      texts.push(...own);
    } catch (error) {
      job.fail(error);
    }
  }
  texts.sort((a, b) => a.ids.length - b.ids.length);
  while (texts.length > 0) {
    const batch: Text[] = [];
    while (batch.length < maxBatch && texts.length > 0) {
      const text = texts.pop()!;
      if (text.job.cancelled) text.job.drop();
      else batch.push(text);
    }
    if (batch.length === 0) return;
    const embeddings = embed(served, batch);
    for (const [i, { job, place }] of batch.entries()) {
      const result = results.get(job)!;
      result.embeddings[place] = embeddings[i]!;
      result.left--;
      if (result.left === 0) job.succeed({ embeddings: result.embeddings, tokens: result.tokens });
    }
    yield { rows: batch.length, tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0) };
  }
}

function tokenized(served: ServedModel, job: Job<'embed'>): Text[] {
  const { sentences, tokenizer } = served;
  if (!sentences) throw new RequestError(400, 'wrong_model', 'this model does not embed texts', 'model');
  return job.params.inputs.map((input, place) => {
    const ids = typeof input === 'string' ? tokenizer.encode(input).inputIds : checkIds(input, served);
    if (ids.length === 0) throw new RequestError(400, 'empty_input', `input ${place} is empty`, 'input');
    if (ids.length > sentences.maxLength) {
      const message = `this model takes at most ${sentences.maxLength} tokens; input ${place} has ${ids.length}`;
      throw new RequestError(400, 'context_length_exceeded', message, 'input');
    }
    return { job, place, ids };
  });
}

function embed({ sentences, tokenizer }: ServedModel, batch: readonly Text[]): Float32Array[] {
  const length = Math.max(...batch.map(({ ids }) => ids.length));
  const output = sentences!.forward({
    inputIds: batch.map(({ ids }) => padRight(ids, length, tokenizer.padTokenId ?? 0)),
    attentionMask: batch.map(({ ids }) => padRight(new Array<number>(ids.length).fill(1), length, 0)),
  }); // [B, E]
  const width = output.shape[1];
  const values = output.dataSync() as Float32Array;
  output.dispose();
  // Copies: a view would carry the whole batch to the other side.
  return batch.map((_, row) => values.slice(row * width, (row + 1) * width));
}
