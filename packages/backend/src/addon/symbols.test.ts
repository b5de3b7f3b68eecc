import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const objects = fileURLToPath(new URL('../../build/obj/', import.meta.url));

/**
 * A kernel's object is compiled for one instruction set. A weak symbol in it that is not of its own namespace (an
 * inline function of the standard library, say) could be the copy that the linker keeps for all of them.
 */
test.skipIf(process.platform !== 'linux' || !existsSync(objects))(
  'objects of an instruction set share no code with the rest',
  () => {
    const shared: string[] = [];
    for (const name of readdirSync(objects)) {
      const set = /-(avx2|avx512|neon)-[0-9a-f]+\.o$/.exec(name)?.[1];
      if (set === undefined) continue;
      const symbols = execFileSync('nm', ['-C', '--defined-only', objects + name], { encoding: 'utf8' });
      for (const line of symbols.split('\n')) {
        if (/ [WVu] /.test(line) && !line.includes(`weft::${set}::`)) shared.push(`${name}: ${line}`);
      }
    }
    expect(shared).toEqual([]);
  },
);
