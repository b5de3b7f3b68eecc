/** What is measured. A workload's parameters go to every contender alike. */
export type Workload =
  | { id: string; kind: 'sgemm'; m: number; k: number; n: number; transposeB: boolean }
  | { id: string; kind: 'bert-forward'; batch: number; length: number }
  | { id: string; kind: 'bert-step'; batch: number; length: number }
  | { id: string; kind: 'gpt2-step'; batch: number; length: number }
  | { id: string; kind: 'gpt2-prompt'; length: number; int8: boolean }
  | { id: string; kind: 'gpt2-decode'; prompt: number; tokens: number; int8: boolean }
  | { id: string; kind: 't5-translate'; sentences: number; tokens: number; beams: number }
  | { id: string; kind: 't5-step'; batch: number; length: number };

export type Kind = Workload['kind'];

export interface Entry {
  workload: Workload;
  /** weft's time over the best peer's is to be at most this. */
  limit: number;
  /** Limits to other peers. */
  peerLimits?: Readonly<Record<string, number>>;
}

const translate = (beams: number): Entry => ({
  workload: {
    id: `T5-small translation of 32 sentences, ${beams === 1 ? 'greedy' : `${beams} beams`}`,
    kind: 't5-translate',
    sentences: 32,
    tokens: 32,
    beams,
  },
  limit: 1.0,
  peerLimits: { 'transformers.js': 0.5 },
});

const sgemm = (m: number, k: number, n: number, transposeB = false): Entry => ({
  workload: {
    id: `sgemm ${m}x${k}x${n}${transposeB ? ' (out-in)' : ''}`,
    kind: 'sgemm',
    m,
    k,
    n,
    transposeB,
  },
  limit: 1.0,
});

const bert = (batch: number, length: number): Entry => ({
  workload: { id: `BERT-base forward B${batch} T${length}`, kind: 'bert-forward', batch, length },
  limit: 1.0,
});

const prompt = (length: number, int8: boolean): Entry => ({
  workload: { id: `GPT-2 prompt ${length}${int8 ? ' int8' : ''}`, kind: 'gpt2-prompt', length, int8 },
  limit: int8 ? 0.7 : 0.9,
});

const decode = (context: number, int8: boolean): Entry => ({
  workload: {
    id: `GPT-2 decode 64 tokens at ${context}${int8 ? ' int8' : ''}`,
    kind: 'gpt2-decode',
    prompt: context,
    tokens: 64,
    int8,
  },
  limit: int8 ? 0.7 : 0.75,
});

/** All workloads, in the order of the table. */
export const entries: readonly Entry[] = [
  ...[256, 512, 1024, 2048].map((size) => sgemm(size, size, size)),
  sgemm(128, 768, 768, true),
  sgemm(1024, 768, 3072, true),
  sgemm(1024, 3072, 768, true),
  sgemm(512, 768, 2304),
  sgemm(512, 768, 50257, true),
  ...[1, 8].flatMap((batch) => [128, 384].map((length) => bert(batch, length))),
  {
    workload: { id: 'BERT-base fine-tuning step B8 T128', kind: 'bert-step', batch: 8, length: 128 },
    limit: 0.75,
  },
  { workload: { id: 'GPT-2 training step B4 T128', kind: 'gpt2-step', batch: 4, length: 128 }, limit: 0.7 },
  { workload: { id: 'GPT-2 training step B1 T1024', kind: 'gpt2-step', batch: 1, length: 1024 }, limit: 0.6 },
  prompt(64, false),
  prompt(512, false),
  decode(64, false),
  decode(900, false),
  decode(64, true),
  decode(900, true),
  translate(1),
  translate(4),
  {
    workload: { id: 'T5-small training step B8 S64 T64', kind: 't5-step', batch: 8, length: 64 },
    limit: 0.8,
  },
];

/** The multiply-adds (as two operations) or the bytes that a workload cannot do without; undefined where not counted. */
export interface Work {
  flops?: number;
  bytes?: number;
}

/** Parameters of the linear layers of both base models, without embeddings. */
const blockParameters = 12 * 12 * 768 * 768;
const headParameters = 50257 * 768;

/** What the machine has to do at least for one run, against which its measured peak is held. */
export function workOf(workload: Workload): Work {
  switch (workload.kind) {
    case 'sgemm':
      return { flops: 2 * workload.m * workload.k * workload.n };
    case 'bert-forward':
      return { flops: forwardFlops(workload.batch, workload.length, 1, 0) };
    case 'bert-step':
      // A classifier looks at the first token: of the others the last block gives keys and values only.
      return {
        flops:
          3 *
          (forwardFlops(workload.batch, workload.length, 1, 0) - unasked(workload.batch, workload.length)),
      };
    case 'gpt2-step':
      return { flops: 3 * forwardFlops(workload.batch, workload.length, 0.5, workload.length) };
    case 'gpt2-prompt':
      return { flops: forwardFlops(1, workload.length, 0.5, 1) - unasked(1, workload.length) };
    case 'gpt2-decode': {
      // An int8 weight of groups of 32 has a float32 scale for each.
      const weights = (blockParameters + headParameters) * (workload.int8 ? 1 + 4 / 32 : 4);
      const cache = 2 * 12 * 768 * 4 * (workload.prompt + workload.tokens / 2);
      return { bytes: workload.tokens * (weights + cache) };
    }
    default:
      return {};
  }
}

/** Linear layers, attention (of which causality leaves `part`), and the last layer for some positions of each text. */
function forwardFlops(batch: number, length: number, part: number, scored: number): number {
  const linear = 2 * batch * length * blockParameters;
  const attention = 12 * 4 * batch * length * length * 768 * part;
  return linear + attention + 2 * batch * scored * headParameters;
}

/** What the last block need not compute where one token of each text is asked for: all but keys and values. */
function unasked(batch: number, length: number): number {
  return 2 * batch * (length - 1) * 10 * 768 * 768;
}
