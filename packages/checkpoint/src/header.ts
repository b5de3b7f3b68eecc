import { CheckpointError } from '@weft/errors';
import { type Dtype, dtypeBytes, isDtype } from './dtype.js';
import { scanHeader, shorten } from './header-scan.js';

export interface TensorInfo {
  dtype: Dtype;
  shape: readonly number[];
  /** Where its bytes begin and end, counted from the start of the data. */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

/** Headers are kept below this by the format's own reference implementation. */
export const maxHeaderBytes = 100_000_000;

/**
 * Reads and checks a safetensors header (the JSON text alone) against the number of data bytes that follow it:
 * every tensor's type, shape and place, and that they cover the data without a gap or an overlap.
 *
 * @throws CheckpointError on anything that is not so
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, file: string): SafetensorsHeader {
  const fail = (expected: string, received: string): never => {
    throw new CheckpointError({
      operation: 'read safetensors',
      expected,
      received,
      remedy: 'the file is damaged or not safetensors: fetch or write it again',
      file,
    });
  };
  const parsed = parseJson(bytes, fail);

  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = parseMetadata(value, fail);
    else tensors.set(name, parseTensor(shorten(name), value, fail));
  }
  checkCoverage(tensors, dataBytes, fail);
  return { tensors, metadata };
}

type Fail = (expected: string, received: string) => never;

/** What begins with a brace and parses is an object. */
function parseJson(bytes: Uint8Array, fail: Fail): object {
  if (bytes[0] !== 0x7b) return fail('a header that begins with {', 'another beginning');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('a header in UTF-8', 'other bytes');
  }
  const problem = scanHeader(text);
  if (problem) return fail(problem.expected, problem.received);
  try {
    return JSON.parse(text) as object;
  } catch (cause) {
    return fail('a header in JSON', (cause as Error).message.slice(0, 200));
  }
}

function parseMetadata(value: unknown, fail: Fail): Record<string, string> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap || Object.values(value).some((text) => typeof text !== 'string')) {
    return fail('__metadata__ from text to text', 'another form');
  }
  return value as Record<string, string>;
}

function parseTensor(quoted: string, value: unknown, fail: Fail): TensorInfo {
  if (typeof value !== 'object' || value === null)
    return fail(`an object for tensor ${quoted}`, typeof value);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isDtype(dtype)) {
    const received = typeof dtype === 'string' ? shorten(dtype) : typeof dtype;
    return fail(`a dtype of ${Object.keys(dtypeBytes).join(', ')} for ${quoted}`, received);
  }
  if (!isSizes(shape)) return fail(`a shape of whole numbers for ${quoted}`, 'another form');
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`two data_offsets for ${quoted}`, 'another form');
  const [begin, end] = offsets as [number, number];
  let bytes: number = dtypeBytes[dtype];
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return fail(`a size that can be counted for ${quoted}`, `[${shape}]`);
  }
  if (end - begin !== bytes)
    return fail(`${bytes} bytes for ${quoted}, ${dtype} [${shape}]`, `${end - begin}`);
  return { dtype, shape, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function checkCoverage(tensors: Map<string, TensorInfo>, dataBytes: number, fail: Fail): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== position) {
      fail(
        `tensor ${shorten(name)} to begin at byte ${position}`,
        `${begin}, ${begin < position ? 'an overlap' : 'a gap'}`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    fail(`${position} bytes of data`, `${dataBytes}${dataBytes < position ? ': the file is cut short' : ''}`);
  }
}
