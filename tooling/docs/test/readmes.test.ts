import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
const english = read('README.md');
const chinese = read('README.zh-CN.md');

const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found]) => found!);

// Words differ between languages; facts must not.
describe('README.zh-CN.md says what README.md says', () => {
  it('of packages', () => {
    const rows = /^\| \[`(@weft\/[\w-]+)`\]/gm;
    expect(all(chinese, rows)).toEqual(all(english, rows));
  });

  it('of commands', () => {
    const commands = (text: string): string[] =>
      all(text, /^```sh\n([\s\S]*?)^```/gm).map((block) => block.replace(/ *#.*$/gm, ''));
    expect(commands(chinese)).toEqual(commands(english));
  });

  it('of code', () => {
    const code = (text: string): string[] =>
      all(text, /^```ts\n([\s\S]*?)^```/gm).map((block) => block.replace(/ *\/\/.*$/gm, ''));
    expect(code(chinese)).toEqual(code(english));
  });

  it('of measurements', () => {
    const numbers = (text: string): string[] => all(text, /\b(\d\.\d\d)\b/g);
    expect(numbers(chinese)).toEqual(numbers(english));
  });

  it('in sections as many', () => {
    expect(all(chinese, /^(#+) /gm)).toEqual(all(english, /^(#+) /gm));
  });
});
