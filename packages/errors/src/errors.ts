/** Every code that a {@link WeftError} can carry, one a class. */
export type WeftErrorCode =
  | 'WEFT_INPUT'
  | 'WEFT_SHAPE'
  | 'WEFT_CONFIG'
  | 'WEFT_CHECKPOINT'
  | 'WEFT_DOWNLOAD'
  | 'WEFT_TOKENIZER'
  | 'WEFT_GENERATION'
  | 'WEFT_DATA'
  | 'WEFT_TRAINING'
  | 'WEFT_BACKEND';

/** What an error of weft says. All four texts are shown to people. */
export interface WeftErrorDetails {
  /** The operation that failed, as the caller knows it: `Tokenizer.encode`, `readSafetensors`. */
  operation: string;
  /** What the operation needs. */
  expected: string;
  /** What it was given instead. */
  received: string;
  /** What the reader can do about it. */
  remedy: string;
  cause?: unknown;
}

// A symbol of the global registry, so that two installed copies of this package know each other's errors.
const BRAND = Symbol.for('weft.error');

/**
 * The base of every error that weft throws on purpose.
 *
 * @example
 * ```ts
 * import { InputError, isWeftError } from '@weft/errors';
 *
 * try {
 *   throw new InputError({
 *     operation: 'Tokenizer.encode',
 *     expected: 'a string',
 *     received: 'undefined',
 *     remedy: 'pass the text to encode',
 *   });
 * } catch (error) {
 *   if (!isWeftError(error)) throw error;
 *   console.assert(error.code === 'WEFT_INPUT');
 *   console.assert(error.message === 'Tokenizer.encode: expected a string, received undefined; pass the text to encode');
 * }
 * ```
 */
export class WeftError extends Error {
  readonly code: WeftErrorCode;
  readonly operation: string;
  readonly expected: string;
  readonly received: string;
  readonly remedy: string;

  constructor(code: WeftErrorCode, { operation, expected, received, remedy, cause }: WeftErrorDetails) {
    super(
      `${operation}: expected ${expected}, received ${received}; ${remedy}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = new.target.name;
    this.code = code;
    this.operation = operation;
    this.expected = expected;
    this.received = received;
    this.remedy = remedy;
    Object.defineProperty(this, BRAND, { value: true });
  }

  toJSON(): Record<string, string> {
    const { name, code, message, operation, expected, received, remedy } = this;
    return { name, code, message, operation, expected, received, remedy };
  }
}

/** True for errors of any installed copy of weft. Unlike `instanceof`, it survives duplicate installs. */
export function isWeftError(error: unknown): error is WeftError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** An argument of a call is not of the form that it takes. */
export class InputError extends WeftError {
  constructor(details: WeftErrorDetails) {
    super('WEFT_INPUT', details);
  }
}

/** Tensors whose shapes do not fit together; both shapes are fields. */
export class ShapeError extends WeftError {
  readonly expectedShape: readonly (number | string)[];
  readonly receivedShape: readonly number[];

  constructor(
    details: Omit<WeftErrorDetails, 'expected' | 'received'> & {
      expectedShape: readonly (number | string)[];
      receivedShape: readonly number[];
      /** Which tensor: `weight`, `query`. */
      tensor: string;
    },
  ) {
    const { tensor, expectedShape, receivedShape, ...rest } = details;
    super('WEFT_SHAPE', {
      ...rest,
      expected: `${tensor} of shape [${expectedShape.join(', ')}]`,
      received: `[${receivedShape.join(', ')}]`,
    });
    this.expectedShape = expectedShape;
    this.receivedShape = receivedShape;
  }
}

/** A configuration (config.json, training arguments) with a missing, unknown or impossible value. */
export class ConfigError extends WeftError {
  constructor(details: WeftErrorDetails) {
    super('WEFT_CONFIG', details);
  }
}

/** A weights file that cannot be read, or weights that do not fit the model; `keys` names those at fault. */
export class CheckpointError extends WeftError {
  readonly file: string | undefined;
  readonly keys: readonly string[];

  constructor(details: WeftErrorDetails & { file?: string; keys?: readonly string[] }) {
    super('WEFT_CHECKPOINT', details);
    this.file = details.file;
    this.keys = details.keys ?? [];
  }
}

/** A download from the hub that failed; `status` is the HTTP status where the server answered. */
export class DownloadError extends WeftError {
  readonly url: string | undefined;
  readonly status: number | undefined;

  constructor(details: WeftErrorDetails & { url?: string; status?: number }) {
    super('WEFT_DOWNLOAD', details);
    this.url = details.url;
    this.status = details.status;
  }
}

/** Tokenizer files or tokenizer calls that make no sense. */
export class TokenizerError extends WeftError {
  constructor(details: WeftErrorDetails) {
    super('WEFT_TOKENIZER', details);
  }
}

/** Generation options that contradict each other or the model. */
export class GenerationError extends WeftError {
  constructor(details: WeftErrorDetails) {
    super('WEFT_GENERATION', details);
  }
}

/** A data set with a bad record; `line` is its number, from 1, where it has one. */
export class DataError extends WeftError {
  readonly file: string | undefined;
  readonly line: number | undefined;

  constructor(details: WeftErrorDetails & { file?: string; line?: number }) {
    super('WEFT_DATA', details);
    this.file = details.file;
    this.line = details.line;
  }
}

/** Training that cannot go on; `step` is the global step at which it stopped. */
export class TrainingError extends WeftError {
  readonly step: number | undefined;

  constructor(details: WeftErrorDetails & { step?: number }) {
    super('WEFT_TRAINING', details);
    this.step = details.step;
  }
}

/** A tfjs backend that cannot be loaded or chosen; `reasons` holds one line a backend that was tried. */
export class BackendError extends WeftError {
  readonly reasons: readonly string[];

  constructor(details: WeftErrorDetails & { reasons?: readonly string[] }) {
    super('WEFT_BACKEND', details);
    this.reasons = details.reasons ?? [];
  }
}
