import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import { seededRandom } from '@weft/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { dtypeBytes } from './dtype.js';
import { parseHeader } from './header.js';
import { SafetensorsFile } from './safetensors-file.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-bad-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'bad.safetensors');

function fileOf(header: string | Buffer, dataBytes: number, length?: bigint): Buffer {
  const json = Buffer.from(header as string);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]);
}

function open(bytes: Buffer): void {
  writeFileSync(path, bytes);
  new SafetensorsFile(path).close();
}

const nested = '['.repeat(1_000_000);
const a = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';

const bad: Record<string, Buffer> = {
  'an empty file': Buffer.alloc(0),
  'seven bytes': Buffer.alloc(7),
  'a header length of 2^60': fileOf(`{${a}}`, 8, 2n ** 60n),
  'a header length of 2^64 - 1': fileOf(`{${a}}`, 8, 2n ** 64n - 1n),
  'a header longer than the file': fileOf(`{${a}}`, 8, BigInt(a.length + 11)),
  'a header of nothing': fileOf('', 0),
  'a truncated file': fileOf(`{${a}}`, 7),
  'a file with bytes after the data': fileOf(`{${a}}`, 9),
  'invalid JSON': fileOf(`{${a},}`, 8),
  'a header cut off in a string': fileOf('{"a', 0),
  'bytes that are no UTF-8': fileOf(
    Buffer.concat([Buffer.from('{"'), Buffer.of(0xff), Buffer.from(`${a.slice(1)}}`)]),
    8,
  ),
  'a header that begins with a space': fileOf(` {${a}}`, 8),
  'a list': fileOf('[]', 0),
  null: fileOf('null', 0),
  'a number': fileOf('5', 0),
  'a tensor twice': fileOf(`{${a},${a}}`, 8),
  'a tensor twice, once escaped': fileOf(`{${a},${a.replace('"a"', '"\\u0061"')}}`, 8),
  'a dtype twice': fileOf('{"a":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8),
  'deep nesting': fileOf(nested, 0),
  'deep nesting in a tensor': fileOf(`{"a":{"dtype":${nested}${nested.replaceAll('[', ']')}}}`, 0),
  'deep nesting of objects': fileOf('{"a":'.repeat(200_000), 0),
  'a list without end': fileOf(
    `{"a":{"dtype":"F32","shape":[${'1,'.repeat(100_000)}1],"data_offsets":[0,4]}}`,
    4,
  ),
  'an unknown dtype': fileOf('{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}', 2),
  'a dtype that is no text': fileOf('{"a":{"dtype":{"toString":1},"shape":[2],"data_offsets":[0,2]}}', 2),
  'a dtype of the prototype': fileOf('{"a":{"dtype":"constructor","shape":[2],"data_offsets":[0,2]}}', 2),
  'no dtype': fileOf('{"a":{"shape":[2],"data_offsets":[0,2]}}', 2),
  'no shape': fileOf('{"a":{"dtype":"U8","data_offsets":[0,2]}}', 2),
  'no offsets': fileOf('{"a":{"dtype":"U8","shape":[2]}}', 2),
  'a tensor of null': fileOf('{"a":null}', 0),
  'a tensor of a list': fileOf('{"a":[1,2]}', 0),
  'a negative size': fileOf('{"a":{"dtype":"U8","shape":[-2,-1],"data_offsets":[0,2]}}', 2),
  'half a size': fileOf('{"a":{"dtype":"U8","shape":[0.5,4],"data_offsets":[0,2]}}', 2),
  'a size that is text': fileOf('{"a":{"dtype":"U8","shape":["2"],"data_offsets":[0,2]}}', 2),
  'three offsets': fileOf('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2,2]}}', 2),
  'offsets backwards': fileOf('{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}', 2),
  'offsets beyond the file': fileOf('{"a":{"dtype":"U8","shape":[200],"data_offsets":[0,200]}}', 2),
  'offsets that fit another shape': fileOf('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', 8),
  'a shape that overflows': fileOf(
    '{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}',
    0,
  ),
  'a shape that overflows, times zero': fileOf(
    `{"a":{"dtype":"U8","shape":[${'4294967296,'.repeat(40)}0],"data_offsets":[0,0]}}`,
    0,
  ),
  'a size of 1e400': fileOf('{"a":{"dtype":"U8","shape":[1e400],"data_offsets":[0,0]}}', 0),
  'tensors that overlap': fileOf(`{${a},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12),
  'tensors in the same place': fileOf(`{${a},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
  'a hole between tensors': fileOf(`{${a},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}`, 20),
  'a hole before the first': fileOf('{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}', 12),
  'metadata that is no text': fileOf(`{"__metadata__":{"format":1},${a}}`, 8),
  'metadata that is a list': fileOf(`{"__metadata__":["pt"],${a}}`, 8),
  'a pickle': Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(500, 7)]),
};

describe('a bad file is a typed error', () => {
  it.each(Object.keys(bad))('%s', (name) => {
    try {
      open(bad[name]!);
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).file).toBe(path);
      expect((error as Error).message.length).toBeLessThan(1000);
      return;
    }
    expect.fail('it was read');
  });

  it('and takes no more memory than the file has bytes', () => {
    const bytes = fileOf(`{"a":{"dtype":"F32","shape":[${2 ** 40}],"data_offsets":[0,${2 ** 42}]}}`, 8);
    const before = process.memoryUsage().arrayBuffers;
    for (const one of [bytes, fileOf(`{${a}}`, 8, 2n ** 33n), fileOf(`{${a}}`, 8, 90_000_000n)]) {
      expect(() => open(one)).toThrow(CheckpointError);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it('and what only looks odd is read', () => {
    for (const bytes of [
      fileOf('{}', 0),
      fileOf(`{${a}}    `, 8),
      fileOf(`{"__metadata__":{"a":"{[\\"","b":"x"},${a}}`, 8),
      fileOf(`{${a},"dtype":{"shape":[0,5],"dtype":"I8","data_offsets":[8,8]}}`, 8),
      fileOf(`{${a},"__proto__":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}`, 9),
      fileOf('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"note":"more"}}', 2),
    ]) {
      open(bytes);
    }
  });
});

describe('mutations', () => {
  const tensors = Object.keys(dtypeBytes).map((dtype, i) => {
    const bytes = dtypeBytes[dtype as keyof typeof dtypeBytes] * 6;
    return { dtype, name: `layer.${i}.weight`, bytes };
  });
  let offset = 0;
  const entries = tensors.map(({ dtype, name, bytes }) => {
    const begin = offset;
    offset += bytes;
    return [name, { dtype, shape: [2, 3], data_offsets: [begin, offset] }];
  });
  const dataBytes = offset;
  const seed = Buffer.from(
    JSON.stringify(Object.fromEntries([['__metadata__', { format: 'pt' }], ...entries])),
  );
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '-',
    '0',
    '9',
    '1e9',
    'null',
    '\\',
    '\\u0000',
    '[[[[',
    '"dtype"',
    '"F16"',
    '99999999999999999999',
    '{"a":',
    ' ',
    '\xff',
  ].map((text) => Buffer.from(text, 'latin1'));

  function mutate(bytes: Buffer, random: () => number): Buffer {
    const at = Math.floor(random() * bytes.length);
    const length = Math.floor(random() ** 3 * 40) + 1;
    switch (Math.floor(random() * 6)) {
      case 0: {
        const copy = Buffer.from(bytes);
        copy[at] = Math.floor(random() * 256);
        return copy;
      }
      case 1: // leave out a stretch
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
      case 2: // put in a piece of JSON
        return Buffer.concat([
          bytes.subarray(0, at),
          pieces[Math.floor(random() * pieces.length)]!,
          bytes.subarray(at),
        ]);
      case 3: // repeat a stretch
        return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
      case 4: {
        // another digit
        const copy = Buffer.from(bytes);
        for (let i = at; i < copy.length; i++) {
          if (copy[i]! < 0x30 || copy[i]! > 0x39) continue;
          copy[i] = 0x30 + Math.floor(random() * 10);
          break;
        }
        return copy;
      }
      default: // cut off
        return random() < 0.2
          ? bytes.subarray(0, at)
          : bytes.subarray(0, bytes.length - Math.floor(random() * 3));
    }
  }

  it('100,000 of a header are read or refused, and what is read lies inside the file', {
    timeout: 120_000,
  }, () => {
    const random = seededRandom(20);
    let read = 0;
    for (let i = 0; i < 100_000; i++) {
      let bytes: Buffer = seed;
      for (let times = Math.floor(random() * 3); times >= 0; times--) bytes = mutate(bytes, random);
      try {
        const { tensors: found } = parseHeader(bytes, dataBytes, 'fuzz');
        read++;
        for (const { begin, end } of found.values()) {
          if (!(begin >= 0 && begin <= end && end <= dataBytes)) expect.fail(`${begin} to ${end}: ${bytes}`);
        }
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw new Error(`mutation ${i}: ${bytes}`, { cause: error });
        if (error.message.length > 2000) expect.fail(`a message of ${error.message.length} characters`);
      }
    }
    // Some mutations leave a valid header (names, metadata), so that what follows the checks is reached too.
    expect(read).toBeGreaterThan(1000);
    expect(read).toBeLessThan(50_000);
  });

  it('5,000 of whole files are read or refused, with every tensor of those that open', {
    timeout: 120_000,
  }, async () => {
    const random = seededRandom(21);
    const whole = fileOf(seed, dataBytes);
    let read = 0;
    for (let i = 0; i < 5000; i++) {
      writeFileSync(path, mutate(random() < 0.5 ? mutate(whole, random) : whole, random));
      try {
        using file = new SafetensorsFile(path);
        for (const name of file.names()) file.readFloat32(name);
        if (i % 10 === 0) await file.readAllFloat32();
        read++;
      } catch (error) {
        if (!(error instanceof CheckpointError)) {
          throw new Error(`mutation ${i}: ${readFileSync(path, 'latin1')}`, { cause: error });
        }
      }
    }
    expect(read).toBeGreaterThan(100);
  });
});
