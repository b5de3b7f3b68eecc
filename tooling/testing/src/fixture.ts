import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface FixtureTensor {
  shape: number[];
  data: Float32Array | Int32Array;
}

/** What tooling/reference wrote: named tensors, and a JSON value with everything that is no tensor. */
export interface Fixture {
  tensors: Record<string, FixtureTensor>;
  /** The JSON value under the metadata key `weft`; its `versions` names torch and transformers. */
  meta: Record<string, unknown>;
  tensor(name: string): FixtureTensor;
}

export function hasFixture(url: URL): boolean {
  return existsSync(fileURLToPath(url));
}

/**
 * Reads a fixture: a safetensors file with float32, int32 or int64 tensors. On purpose not the reader of
 * the checkpoint package, which is itself under test.
 */
export function readFixture(url: URL): Fixture {
  const file = readFileSync(fileURLToPath(url));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const { __metadata__: metadata, ...entries } = header as typeof header & {
    __metadata__?: Record<string, string>;
  };
  const tensors: Fixture['tensors'] = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(entries)) {
    const bytes = file.subarray(8 + headerLength + data_offsets[0], 8 + headerLength + data_offsets[1]);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    tensors[name] = { shape, data: decode(dtype, buffer, name) };
  }
  const meta = JSON.parse(metadata?.weft ?? '{}') as Record<string, unknown>;
  return {
    tensors,
    meta,
    tensor(name) {
      const found = tensors[name];
      if (!found) throw new Error(`fixture ${url.pathname} has no tensor ${name}: ${Object.keys(tensors)}`);
      return found;
    },
  };
}

function decode(dtype: string, buffer: ArrayBuffer, name: string): Float32Array | Int32Array {
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer), Number);
    default:
      throw new Error(`fixture tensor ${name} has dtype ${dtype}`);
  }
}
