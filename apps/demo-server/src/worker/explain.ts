/** The views that explain: where attention goes, which tokens speak for a label, how a text is cut. */
import tf = require('@tensorflow/tfjs');

import type {
  AttentionResult,
  PlacedToken,
  SentimentResult,
  TokenizeResult,
  WorkLimits,
} from '../pool/protocol.js';
import { RequestError } from '../request-error.js';
import type { Pass } from './embedding.js';
import type { Job } from './job.js';
import { labelsOf, type Rows, type ServedModel } from './served-model.js';

const PLACES = {
  returnOffsetsMapping: true,
  returnWordIds: true,
  returnSequenceIds: true,
  returnSpecialTokensMask: true,
} as const;

type Encoded = ReturnType<ServedModel['tokenizer']['encode']>;

function placed({ tokenizer }: ServedModel, encoded: Encoded): PlacedToken[] {
  return encoded.inputIds.map((id, i) => {
    const [start, end] = encoded.offsetsMapping![i]!;
    const special = encoded.specialTokensMask![i] === 1 || tokenizer.isSpecialId(id);
    return { id, token: tokenizer.idToToken(id) ?? '', start, end, special };
  });
}

function checkLength(count: number, limit: number): void {
  if (count <= limit) return;
  const message = `at most ${limit} tokens here; the text has ${count}`;
  throw new RequestError(400, 'context_length_exceeded', message, 'text');
}

export function tokenizeText(served: ServedModel, job: Job<'tokenize'>): TokenizeResult {
  const { text, addSpecialTokens } = job.params;
  const encoded = served.tokenizer.encode(text, { addSpecialTokens, ...PLACES });
  return {
    vocabSize: served.tokenizer.vocabSize,
    tokens: placed(served, encoded).map((token, i) => ({
      ...token,
      text: text.slice(token.start, token.end),
      word: encoded.wordIds![i] ?? null,
    })),
  };
}

export function attentionOf(served: ServedModel, job: Job<'attention'>, limits: WorkLimits): AttentionResult {
  const { text, textPair } = job.params;
  const { attend, tokenizer, generative } = served;
  if (!attend) throw new RequestError(400, 'wrong_model', 'this model shows no attention', 'model');
  const encoded = tokenizer.encode(text, { ...(textPair === undefined ? {} : { textPair }), ...PLACES });
  if (encoded.inputIds.length === 0) throw new RequestError(400, 'empty_input', 'the text is empty', 'text');
  checkLength(
    encoded.inputIds.length,
    Math.min(limits.maxAttentionTokens, served.info.maxTokens ?? Infinity),
  );
  const rows: Rows = {
    inputIds: [encoded.inputIds],
    ...(encoded.tokenTypeIds ? { tokenTypeIds: [encoded.tokenTypeIds] } : {}),
  };
  const attentions = tf.tidy(() =>
    attend(rows).map((layer) => roundAll((layer.arraySync() as number[][][][])[0]!)),
  );
  return {
    layers: attentions.length,
    heads: attentions[0]?.length ?? 0,
    causal: generative !== undefined,
    tokens: placed(served, encoded).map((token, i) => ({
      ...token,
      sequence: encoded.sequenceIds![i] ?? null,
    })),
    attentions,
  };
}

const roundAll = (heads: number[][][]): number[][][] =>
  heads.map((rows) => rows.map((row) => row.map((value) => Math.round(value * 1e4) / 1e4)));

/**
 * The labels' scores of a text, and for each token how far the target's score falls when that token is hidden
 * (leave-one-out occlusion; Zeiler and Fergus, 2014). Yields between batches.
 */
export function* occlude(
  served: ServedModel,
  job: Job<'sentiment'>,
  limits: WorkLimits,
  maxBatch: number,
): Generator<Pass, void> {
  const { classifier, tokenizer } = served;
  if (!classifier) throw new RequestError(400, 'wrong_model', 'this model does not classify texts', 'model');
  const encoded = tokenizer.encode(job.params.text, PLACES);
  const ids = encoded.inputIds;
  checkLength(ids.length, Math.min(limits.maxOcclusionTokens, served.info.maxTokens ?? Infinity));
  const labels = labelsOf(classifier.config);
  const full = classify(served, [{ ids }])[0]!;
  const target = targetOf(labels, full, job.params.target);
  const tokens = placed(served, encoded).map((token) => ({ ...token, attribution: 0 }));
  const open = tokens.flatMap(({ special }, i) => (special ? [] : [i]));
  for (let at = 0; at < open.length; at += maxBatch) {
    if (job.cancelled) return job.drop();
    const hidden = open.slice(at, at + maxBatch);
    const scores = classify(
      served,
      hidden.map((i) => ({ ids, hidden: i })),
    );
    for (const [row, i] of hidden.entries()) tokens[i]!.attribution = full[target]! - scores[row]![target]!;
    yield { rows: hidden.length, tokens: hidden.length * ids.length };
  }
  const result: SentimentResult = {
    method: 'occlusion',
    target: labels[target]!,
    labels: labels.map((label, i) => ({ label, score: full[i]! })).sort((a, b) => b.score - a.score),
    tokens,
  };
  job.succeed(result);
}

function targetOf(labels: readonly string[], scores: readonly number[], asked: string | undefined): number {
  if (asked === undefined) return scores.indexOf(Math.max(...scores));
  const target = labels.indexOf(asked);
  if (target >= 0) return target;
  throw new RequestError(400, 'unknown_label', `target: one of ${labels.join(', ')}`, 'target');
}

/** Probabilities of each label for each row; a hidden token becomes the mask token, or does not count. */
function classify(
  { classifier, tokenizer }: ServedModel,
  rows: { ids: number[]; hidden?: number }[],
): number[][] {
  const mask = tokenizer.maskTokenId;
  const inputIds = rows.map(({ ids, hidden }) =>
    ids.map((id, i) => (i === hidden && mask !== undefined ? mask : id)),
  );
  const attentionMask = rows.map(({ ids, hidden }) =>
    ids.map((_, i) => (i === hidden && mask === undefined ? 0 : 1)),
  );
  return tf.tidy(() => {
    const { logits } = classifier!.forward({ inputIds, attentionMask });
    const several = classifier!.config.problem_type === 'multi_label_classification' || logits.shape[1] === 1;
    return (several ? tf.sigmoid(logits) : tf.softmax(logits)).arraySync() as number[][];
  });
}
