import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError } from '@weft/errors';
import { readFixture, seededRandom } from '@weft/testing';
import { afterAll, describe, expect, it } from 'vitest';
import {
  arrayOf,
  bfloatToFloat,
  type Dtype,
  floatToBfloat,
  floatToHalf,
  halfToFloat,
  type TensorData,
} from './dtype.js';
import { SafetensorsFile } from './safetensors-file.js';
import { type TensorsToWrite, writeSafetensors } from './write-safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fromPython = fileURLToPath(new URL('../fixtures/dtypes.safetensors', import.meta.url));
const expected = JSON.parse(
  readFileSync(new URL('../fixtures/dtypes.json', import.meta.url), 'utf8').replaceAll('NaN', 'null'),
) as {
  halves: Record<'F16' | 'BF16', string>;
  tensors: Record<string, { shape: number[]; float32: string[] }>;
};

function floatsOf(name: string): number[] {
  return expected.tensors[name]!.float32.map((text) =>
    text.endsWith('inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text),
  );
}

describe('a file that Python wrote', () => {
  it('has the same names, shapes and metadata', () => {
    using file = new SafetensorsFile(fromPython);
    expect(file.names().sort()).toEqual(Object.keys(expected.tensors).sort());
    for (const name of file.names()) expect(file.info(name).shape).toEqual(expected.tensors[name]!.shape);
    expect(file.metadata.format).toBe('pt');
    expect(JSON.parse(file.metadata.weft!)).toHaveProperty('versions.torch');
  });

  it.each(Object.keys(expected.tensors))('%s is, as float32, what torch makes of it', async (name) => {
    using file = new SafetensorsFile(fromPython);
    const one = file.readFloat32(name);
    expect(one).toEqual(Float32Array.from(floatsOf(name)));
    expect((await file.readAllFloat32([name])).get(name)).toEqual(one);
  });

  it('is read as it is stored, too', () => {
    using file = new SafetensorsFile(fromPython);
    expect(file.readRaw('I64')).toEqual({
      dtype: 'I64',
      shape: [2, 3],
      data: BigInt64Array.of(0n, -1n, 2n ** 53n - 1n, -(2n ** 40n), 7n, 1n),
    });
    expect(file.readRaw('BOOL').data).toEqual(Uint8Array.of(1, 0, 0, 1));
    expect(file.readRaw('I8').data).toEqual(Int8Array.of(0, -1, 127, -128));
    for (const dtype of ['F16', 'BF16'] as const) {
      const { data } = file.readRaw(dtype);
      const widen = dtype === 'F16' ? halfToFloat : bfloatToFloat;
      expect(widen(data as Uint16Array)).toEqual(file.readFloat32(dtype));
    }
  });
});

describe('half types', () => {
  const values = new SafetensorsFile(fromPython);
  afterAll(() => values.close());

  it.each(['F16', 'BF16'] as const)('float32 is rounded to %s as torch rounds it', (dtype) => {
    const narrow = dtype === 'F16' ? floatToHalf : floatToBfloat;
    expect(narrow(values.readFloat32('F32'))).toEqual(values.readRaw(dtype).data);
  });

  it.each(['F16', 'BF16'] as const)(
    'all 65536 of %s are widened as torch widens them, and come back',
    (dtype) => {
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const wide = dtype === 'F16' ? halfToFloat(bits) : bfloatToFloat(bits);
      const back = dtype === 'F16' ? floatToHalf(wide) : floatToBfloat(wide);
      expect(wide.every((value, i) => Number.isNaN(value) || back[i] === i)).toBe(true);
      const numbers = wide.map((value) => (Number.isNaN(value) ? 0 : value));
      const hash = createHash('sha256').update(new Uint8Array(numbers.buffer)).digest('hex');
      expect(hash).toBe(expected.halves[dtype]);
      expect(
        Number.isNaN(wide[0x7fff]!) && (back[0x7fff]! & 0x7c00) === 0x7c00 && (back[0x7fff]! & 0x3ff) !== 0,
      ).toBe(true);
    },
  );

  it('are widened in place wherever the tensor lies, for sizes odd and even', async () => {
    for (const size of [0, 1, 2, 3, 1000, 1001]) {
      const data = Float32Array.from({ length: size }, (_, i) => i - 500);
      const path = join(folder, `halves-${size}.safetensors`);
      await writeSafetensors(path, {
        odd: { dtype: 'U8', shape: [3], data: new Uint8Array(3) },
        f16: { dtype: 'F16', shape: [size], data },
        bf16: { dtype: 'BF16', shape: [size], data: floatToBfloat(data) },
      });
      using file = new SafetensorsFile(path);
      expect(file.readFloat32('f16')).toEqual(data);
      expect(file.readFloat32('bf16')).toEqual(bfloatToFloat(floatToBfloat(data)));
    }
  });
});

describe('a file that weft wrote', () => {
  it('comes back, every type, whatever the view it was given as', async () => {
    const random = seededRandom(1);
    const tensors: TensorsToWrite = {};
    for (const dtype of Object.keys(arrayOf) as Dtype[]) {
      const buffer = new ArrayBuffer(8 * 9);
      const bytes = new Uint8Array(buffer);
      for (let i = 0; i < bytes.length; i++) bytes[i] = dtype === 'BOOL' ? i % 2 : Math.floor(random() * 120);
      tensors[dtype] = { dtype, shape: [2, 4], data: new arrayOf[dtype](buffer).subarray(1, 9) };
    }
    tensors.scalar = { dtype: 'F32', shape: [], data: Float32Array.of(2) };
    tensors.empty = { dtype: 'I32', shape: [3, 0], data: new Int32Array(0) };
    // biome-ignore lint/complexity/useLiteralKeys: a name that JavaScript could mistake for a prototype
    Object.defineProperty(tensors, '__proto__', { value: tensors['scalar'], enumerable: true });
    const path = join(folder, 'all.safetensors');
    await writeSafetensors(path, tensors, { format: 'pt', note: 'ü' });
    using file = new SafetensorsFile(path);
    expect(file.metadata).toEqual({ format: 'pt', note: 'ü' });
    expect(file.names().sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, tensor] of Object.entries(tensors)) {
      expect(file.readRaw(name)).toEqual({ ...tensor, data: (tensor.data as TensorData).slice() });
    }
  });

  it('has its data at multiples of eight bytes, so that it can be mapped, and is read by an independent reader', async () => {
    const path = join(folder, 'aligned.safetensors');
    await writeSafetensors(path, {
      a: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      b: { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) },
      c: { dtype: 'I64', shape: [1], data: BigInt64Array.of(5n) },
    });
    using file = new SafetensorsFile(path);
    expect((readFileSync(path).readBigUInt64LE(0) + 8n) % 8n).toBe(0n);
    expect(file.info('b').begin % 4).toBe(0);
    expect(file.info('c').begin % 8).toBe(0);
    rmSync(path);
    await writeSafetensors(path, { b: { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) } });
    const { tensors } = readFixture(new URL(`file://${path}`));
    expect(tensors.b).toEqual({ shape: [3], data: Float32Array.of(1, 2, 3) });
  });

  it('is not written where data, shape and type do not fit', async () => {
    const good = { dtype: 'F32', shape: [2], data: new Float32Array(2) } as const;
    const bad: TensorsToWrite[] = [
      { t: { ...good, shape: [3] } },
      { t: { ...good, shape: [-2] } },
      { t: { ...good, shape: [1.5] } },
      { t: { ...good, dtype: 'I32' } },
      { t: { ...good, dtype: 'F8' as 'F32' } },
      { t: { dtype: 'F32', shape: [2], data: new Int32Array(2) } },
      { t: { dtype: 'BF16', shape: [2], data: new Int8Array(2) } },
      { __metadata__: good },
    ];
    for (const tensors of bad) {
      const path = join(folder, 'never', 'bad.safetensors');
      await expect(writeSafetensors(path, tensors)).rejects.toBeInstanceOf(CheckpointError);
      expect(() => readFileSync(path)).toThrow('ENOENT');
    }
  });
});

describe('reading', () => {
  it('names the tensor that is not there', () => {
    using file = new SafetensorsFile(fromPython);
    for (const read of [
      () => file.readFloat32('nope'),
      () => file.readRaw('nope'),
      () => file.info('nope'),
    ]) {
      expect(read).toThrow(CheckpointError);
    }
    expect(file.has('nope')).toBe(false);
  });

  it('what is no file is a typed error', () => {
    expect(() => new SafetensorsFile(join(folder, 'none.safetensors'))).toThrow(CheckpointError);
    expect(() => new SafetensorsFile(folder)).toThrow(CheckpointError);
  });

  it('a file that shrinks while it is open is a typed error', async () => {
    const path = join(folder, 'shrinks.safetensors');
    writeFileSync(path, readFileSync(fromPython));
    using file = new SafetensorsFile(path);
    truncateSync(path, 2000);
    const last = file.names().reduce((a, b) => (file.info(a).end >= file.info(b).end ? a : b));
    expect(() => file.readFloat32(last)).toThrow(CheckpointError);
    await expect(file.readAllFloat32()).rejects.toBeInstanceOf(CheckpointError);
  });
});
