// Builds build/Release/weft.node from the sources beside this file with the system's C++ compiler; downloads nothing.
//   node native/build.mjs             fails when it cannot build
//   node native/build.mjs --install   the install step: says in one line why there is no native backend, and succeeds
//   node native/build.mjs --into=DIR  builds in another folder, with nothing compiled before: how long it takes
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { arch, argv, platform } from 'node:process';
import {
  baseFlags,
  compile,
  findCompiler,
  libraryJobs,
  link,
  nodeHeaders,
  packageRoot,
  sourcesIn,
} from './toolchain.mjs';

const installing = argv.includes('--install');
const folder = argv.find((word) => word.startsWith('--into='))?.slice(7) ?? join(packageRoot, 'build');
const output = join(folder, 'Release', 'weft.node');

function giveUp(reason) {
  process.stderr.write(
    `@weft/backend: no native backend (${reason}); weft runs on WebAssembly, some 5 to 20 times slower\n`,
  );
  process.exit(installing ? 0 : 1);
}

const linkFlags = {
  linux: [
    '-shared',
    '-pthread',
    '-static-libstdc++',
    '-static-libgcc',
    '-Wl,--gc-sections',
    '-Wl,-z,nodelete',
  ],
  darwin: ['-bundle', '-undefined', 'dynamic_lookup', '-pthread'],
  win32: ['-shared', '-static', '-pthread'],
};

async function build() {
  const prebuilt = join(packageRoot, 'prebuilds', `${platform}-${arch}`, 'weft.node');
  if (installing && existsSync(prebuilt)) return;
  if (process.env.WEFT_SKIP_BUILD === '1' && installing) giveUp('WEFT_SKIP_BUILD is set');
  const compiler = findCompiler();
  if (!compiler) giveUp('no C++ compiler: install g++ or clang++, then run `npm rebuild @weft/backend`');
  const flags = linkFlags[platform];
  if (!flags) giveUp(`the build does not know ${platform}`);
  const started = Date.now();
  try {
    const headers = nodeHeaders();
    const jobs = [
      ...libraryJobs(arch, baseFlags),
      ...sourcesIn('binding').map((source) => ({
        source,
        flags: [...baseFlags, '-isystem', headers],
        tag: 'binding',
      })),
    ];
    const objects = await compile(jobs, compiler, join(folder, 'obj'));
    await link(objects, compiler, flags, output);
  } catch (error) {
    if (installing) giveUp(`${compiler.command} failed: ${String(error.message).split('\n')[0]}`);
    throw error;
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `@weft/backend: built ${relative(packageRoot, output)} in ${seconds} s (${compiler.version})\n`,
  );
}

await build();
