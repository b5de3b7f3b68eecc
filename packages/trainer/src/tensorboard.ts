import { appendFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

let filesOfThisProcess = 0;

/**
 * Writes scalars as an event file that TensorBoard reads: TFRecord frames (length, masked CRC-32C of the length,
 * data, masked CRC-32C of the data) around Event messages of TensorFlow's event.proto. Each scalar is in the file
 * when the call returns; nothing is held open.
 *
 * @example
 * ```ts
 * import { mkdtempSync, statSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { EventFileWriter } from '@weft/trainer';
 *
 * const events = new EventFileWriter(mkdtempSync(join(tmpdir(), 'weft-')));
 * events.scalar('train/loss', 2.5, 10);
 * console.assert(statSync(events.path).size > 0);
 * ```
 */
export class EventFileWriter {
  readonly path: string;

  constructor(folder: string, now = Date.now()) {
    mkdirSync(folder, { recursive: true });
    const run = `${Math.floor(now / 1000)}.${hostname()}.${process.pid}.${filesOfThisProcess++}`;
    this.path = join(folder, `events.out.tfevents.${run}`);
    this.#write(Buffer.concat([double(1, now / 1000), text(3, 'brain.Event:2')]));
  }

  scalar(tag: string, value: number, step: number, now = Date.now()): void {
    const summaryValue = Buffer.concat([text(1, tag), float(2, value)]);
    const summary = message(1, summaryValue);
    this.#write(Buffer.concat([double(1, now / 1000), integer(2, step), message(5, summary)]));
  }

  #write(data: Buffer): void {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(data.length));
    appendFileSync(this.path, Buffer.concat([length, checksum(length), data, checksum(data)]));
  }
}

// Protocol buffers' wire types: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
const key = (field: number, wire: number): Buffer => varint(field * 8 + wire);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function double(field: number, value: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), data]);
}

function float(field: number, value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([key(field, 5), data]);
}

const integer = (field: number, value: number): Buffer => Buffer.concat([key(field, 0), varint(value)]);

const message = (field: number, data: Buffer): Buffer =>
  Buffer.concat([key(field, 2), varint(data.length), data]);

const text = (field: number, value: string): Buffer => message(field, Buffer.from(value, 'utf8'));

/** The CRC-32C of the data, rotated and shifted as TFRecord masks it, little-endian. */
function checksum(data: Buffer): Buffer {
  const crc = crc32c(data);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE(masked);
  return out;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C (Castagnoli). */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
