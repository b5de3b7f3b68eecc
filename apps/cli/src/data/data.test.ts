import { isWeftError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { chooseLabels, LabelSet } from './labels.js';
import { rowFormatter } from './output.js';
import { readRows } from './rows.js';
import type { Source, TableFormat } from './source.js';
import { splitByGroup, splitWholeGroups } from './split.js';

/** A file whose bytes come in pieces of this size, so that pieces end within lines and within characters. */
function source(format: TableFormat, text: string, piece = 3): Source {
  const bytes = Buffer.from(text);
  return {
    name: `test.${format}`,
    format,
    async *open() {
      for (let from = 0; from < bytes.length; from += piece) yield bytes.subarray(from, from + piece);
    },
  };
}

async function rows(given: Source): Promise<{ line: number; values: object }[]> {
  const found = [];
  for await (const row of readRows(given)) found.push(row);
  return found;
}

describe('reading', () => {
  it('csv with quotes, line breaks in fields, a mark of byte order and Windows line ends', async () => {
    const text = '\ufefftext,label\r\n"a ""b"", c\nd",é\r\nplain,🌊\r\n';
    expect(await rows(source('csv', text))).toEqual([
      { line: 3, values: { text: 'a "b", c\nd', label: 'é' } },
      { line: 4, values: { text: 'plain', label: '🌊' } },
    ]);
  });

  it('tsv whose quotes are characters like others', async () => {
    expect(await rows(source('tsv', 'text\tlabel\n"so" he said\t1\nit "is\t0\n'))).toEqual([
      { line: 2, values: { text: '"so" he said', label: '1' } },
      { line: 3, values: { text: 'it "is', label: '0' } },
    ]);
  });

  it('JSON lines and plain lines, the last without an end', async () => {
    expect(await rows(source('jsonl', '{"text":"é"}\r\n\n{"text":"b","label":[1]}'))).toEqual([
      { line: 1, values: { text: 'é' } },
      { line: 3, values: { text: 'b', label: [1] } },
    ]);
    expect(await rows(source('text', 'é\r\n\n🌊'))).toEqual([
      { line: 1, values: { text: 'é' } },
      { line: 2, values: { text: '' } },
      { line: 3, values: { text: '🌊' } },
    ]);
  });
});

describe('splits', () => {
  const items = Array.from({ length: 100 }, (_, i) => ({
    i,
    group: i < 90 ? 'many' : i < 99 ? 'few' : 'one',
  }));

  it('hold out a share of each group, the same for the same seed, and leave one of each', () => {
    const { train, heldOut } = splitByGroup(items, 0.2, 7, ({ group }) => group);
    expect([train.length, heldOut.length]).toEqual([80, 20]);
    expect(heldOut.filter(({ group }) => group === 'few')).toHaveLength(2);
    expect(train.some(({ group }) => group === 'one')).toBe(true);
    expect(splitByGroup(items, 0.2, 7, ({ group }) => group).heldOut).toEqual(heldOut);
    expect(splitByGroup(items, 0.2, 8, ({ group }) => group).heldOut).not.toEqual(heldOut);
    expect(splitByGroup(items, 0, 7, ({ group }) => group).heldOut).toEqual([]);
  });

  it('hold out whole groups', () => {
    const { train, heldOut } = splitWholeGroups(items, 0.05, 3, ({ i }) => i % 10);
    expect([train.length, heldOut.length]).toEqual([90, 10]);
    expect(new Set(heldOut.map(({ i }) => i % 10)).size).toBe(1);
  });

  it('refuse shares that leave nothing to learn from', () => {
    expect(() => splitByGroup(items, 1, 1, () => '')).toThrow(/below|up to, not including, 1/);
  });
});

describe('labels', () => {
  const stored = { model: 'm', names: ['low', 'high'] };

  it("are the checkpoint's where the data name no others, else the data's", () => {
    expect(chooseLabels(new Set(['high']), { stored }).names).toEqual(['low', 'high']);
    expect(chooseLabels(new Set(['1', '0']), { stored }).names).toEqual(['low', 'high']);
    expect(chooseLabels(new Set(['b', 'a']), { stored }).names).toEqual(['a', 'b']);
    expect(chooseLabels(new Set(['10', '9', '-1']), {}).names).toEqual(['-1', '9', '10']);
    expect(chooseLabels(new Set(['a']), { given: ['z', 'a'] }).names).toEqual(['z', 'a']);
  });

  it('are found by name before number', () => {
    const labels = new LabelSet(['1', '0'], { numbered: true });
    const of = (name: string): number[] => labels.idsOf({ source: { name: 'f' }, line: 1, names: [name] });
    expect([of('1'), of('0')]).toEqual([[0], [1]]);
    try {
      of('2');
      expect.unreachable();
    } catch (error) {
      expect(isWeftError(error) && [error.code, error.received]).toEqual([
        'WEFT_DATA',
        'line 1: the label "2"',
      ]);
    }
  });
});

it('writes tables whose columns are those of the first row', async () => {
  const rows = [
    { text: 'a "b", c', score: 0.5, scores: { x: 1 } },
    { text: 'd\te', score: null, tags: ['O'] },
  ];
  const whole = (await rowFormatter('csv'))(rows);
  expect(whole).toBe('text,score,scores\n"a ""b"", c",0.5,"{""x"":1}"\nd\te,,\n');
  expect((await rowFormatter('tsv'))(rows)).toBe('text\tscore\tscores\na "b", c\t0.5\t{"x":1}\nd e\t\t\n');
  const write = await rowFormatter('csv');
  expect([write(rows.slice(0, 1)), write(rows.slice(1))].join('')).toBe(whole);
});
