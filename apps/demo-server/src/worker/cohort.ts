import type { DecodingSession, GenerativeModel } from '@weft/generation';
import type { Piece } from '../pool/protocol.js';
import type { GenerationRow } from './generation-row.js';
import type { Job } from './job.js';

/** A request whose prompts are tokenized and whose rows wait for a cohort. */
export interface PreparedRequest {
  job: Job<'generate'>;
  rows: GenerationRow[];
  prompts: string[];
  promptTokens: number;
  /** The longest prompt, and that with all that may be written after it. */
  longest: number;
  total: number;
}

/** Padded tokens that a cohort's prompts may have together, so that no first step takes long. */
const MAX_PREFILL = 4096;

/**
 * Takes requests from the front of the queue that can be decoded together: few enough rows, and lengths that the
 * model has positions for when all prompts are padded to the longest. The first is always taken.
 */
export function takeCohort(
  waiting: PreparedRequest[],
  { maxBatch, maxPositions = Infinity }: { maxBatch: number; maxPositions?: number | undefined },
): PreparedRequest[] {
  const taken: PreparedRequest[] = [];
  let rows = 0;
  let longest = 0;
  let toWrite = 0;
  for (const request of waiting) {
    const nextRows = rows + request.rows.length;
    const nextLongest = Math.max(longest, request.longest);
    const nextToWrite = Math.max(toWrite, request.total - request.longest);
    const fits =
      nextRows <= maxBatch &&
      nextLongest + nextToWrite <= maxPositions &&
      nextRows * nextLongest <= MAX_PREFILL;
    if (taken.length > 0 && !fits) continue;
    taken.push(request);
    rows = nextRows;
    longest = nextLongest;
    toWrite = nextToWrite;
  }
  return taken;
}

/** A row of a cohort, and where in the session it stands. */
interface Slot {
  row: GenerationRow;
  place: number;
}

/** Requests that are decoded together, a token a step. Rows leave when they are done or their client is gone. */
export class Cohort {
  #session: DecodingSession;
  #slots: Slot[];
  /** What each row of the session is fed next. */
  #feed: number[][];
  #started = performance.now();

  constructor(
    model: GenerativeModel,
    private readonly requests: readonly PreparedRequest[],
    { padTokenId, decoderStart }: { padTokenId: number; decoderStart?: number | undefined },
  ) {
    const rows = requests.flatMap((request) => request.rows);
    // Copies of a prompt stand side by side and share its first step.
    const prompts = [...new Set(rows.map(({ prompt }) => prompt))];
    this.#slots = rows.map((row) => ({ row, place: prompts.indexOf(row.prompt) }));
    const longest = Math.max(...prompts.map(({ length }) => length));
    const pad = (row: readonly number[], fill: number): number[] => {
      const padding = new Array<number>(longest - row.length).fill(fill);
      return model.isEncoderDecoder ? [...row, ...padding] : [...padding, ...row];
    };
    const inputIds = prompts.map((row) => pad(row, padTokenId));
    const attentionMask = prompts.map((row) => pad(new Array<number>(row.length).fill(1), 0));
    this.#session = model.startDecoding({ inputIds, attentionMask });
    this.#feed = model.isEncoderDecoder ? prompts.map(() => [decoderStart ?? padTokenId]) : inputIds;
  }

  get rows(): number {
    return this.#slots.length;
  }

  /** Decodes one token of every row; true when none is left. Requests that are done or cancelled have ended then. */
  step(): boolean {
    this.#letCancelledGo();
    if (this.#slots.length === 0) return true;
    const { vocabSize } = this.#session;
    const logits = this.#session.step(this.#feed);
    const isShared = new Set(this.#slots.map(({ place }) => place)).size < this.#slots.length;
    const pieces = new Map<Job, Piece[]>();
    for (const { row, place } of this.#slots) {
      const own = logits.subarray(place * vocabSize, (place + 1) * vocabSize);
      try {
        const piece = row.advance(isShared ? own.slice() : own);
        const list = pieces.get(row.job) ?? [];
        list.push(piece);
        pieces.set(row.job, list);
      } catch (error) {
        // What one request asks for must not spoil the others.
        row.job.fail(error);
      }
    }
    for (const [job, made] of pieces) {
      if ((job as Job<'generate'>).params.stream) job.event({ type: 'pieces', pieces: made });
    }
    this.#endFinished();
    this.#compact();
    return this.#slots.length === 0;
  }

  dispose(): void {
    this.#session.dispose();
  }

  /** Ends every request in the same way, for errors of the whole batch. */
  fail(error: unknown): void {
    for (const { job } of this.requests) job.fail(error);
  }

  #endFinished(): void {
    for (const { job, rows, prompts, promptTokens } of this.requests) {
      if (job.ended || rows.some(({ finish }) => finish === null)) continue;
      const seconds = (performance.now() - this.#started) / 1000;
      job.succeed({ rows: rows.map((row) => row.result()), prompts, promptTokens, seconds });
    }
    this.#slots = this.#slots.filter(({ row }) => row.finish === null && !row.job.ended);
  }

  #letCancelledGo(): void {
    for (const { job } of this.requests) if (job.cancelled) job.drop();
    this.#slots = this.#slots.filter(({ row }) => !row.job.cancelled);
    // Before the first step the session keeps its prompts; only what is chosen from them has changed.
    if (this.#session.length > 0) this.#compact();
  }

  /**
   * Makes the session follow the rows that are left: at once where copies of a prompt part, else when a quarter of
   * the batch has gone, since moving the rest costs something. Rows that are gone are fed on, unread.
   */
  #compact(): void {
    if (this.#slots.length === 0) return;
    const size = this.#session.batchSize;
    const places = this.#slots.map(({ place }) => place);
    const isShared = new Set(places).size < places.length;
    if (isShared || places.length <= 0.75 * size) {
      this.#session.reorder(places);
      this.#slots = this.#slots.map(({ row }, place) => ({ row, place }));
    }
    const anyToken = this.#slots[0]!.row.tokens.at(-1)!;
    this.#feed = Array.from({ length: this.#session.batchSize }, () => [anyToken]);
    for (const { row, place } of this.#slots) this.#feed[place] = [row.tokens.at(-1)!];
  }
}
