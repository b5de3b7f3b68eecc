import type { ConvertedCheckpoint, Precision } from '@weft/checkpoint';
import { type Command, Option } from 'commander';
import { withInterrupt } from '../interrupt.js';
import { jsonOption, localFilesOnlyOption, parseBytes, revisionOption, tokenOption } from '../options.js';
import { ByteBar } from '../progress-bar.js';
import { bytes, heading, printJson, printLine } from '../terminal.js';

interface ConvertFlags {
  outputDir: string;
  dtype?: Precision;
  maxShardSize?: number;
  revision?: string;
  localFilesOnly?: boolean;
  token?: string;
  json?: boolean;
}

export function addConvert(program: Command): void {
  program
    .command('convert')
    .description('a checkpoint in half precision, in shards, or back in float32; Python loads it')
    .argument('<checkpoint>', 'folder or id on the hub')
    .requiredOption('-o, --output-dir <folder>', 'where the result goes')
    .addOption(
      new Option('--dtype <type>', 'of floating-point weights; default: as they are').choices([
        'float32',
        'float16',
        'bfloat16',
      ]),
    )
    .addOption(
      new Option('--max-shard-size <size>', 'a new file after so much; default: 5GB').argParser(parseBytes),
    )
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  weft convert ./out -o ./half --dtype float16
  weft convert gpt2 -o ./shards --max-shard-size 200MB
  weft convert ./half -o ./full --dtype float32`,
    )
    .action((checkpoint: string, flags: ConvertFlags) =>
      withInterrupt((signal) => convert(checkpoint, flags, signal)),
    );
}

async function convert(checkpoint: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const { convertCheckpoint } = await import('@weft/checkpoint');
  const { json, token, ...options } = flags;
  const bars = { fetch: new ByteBar(), write: new ByteBar() };
  const result = await convertCheckpoint(checkpoint, {
    ...options,
    ...(token ? { token } : {}),
    signal,
    onProgress: ({ file, loaded, total, fetched }) => {
      if (fetched > 0) bars.fetch.update({ label: file, loaded, total, moved: fetched });
    },
    onTensor: ({ name, loaded, total }) => {
      bars.fetch.stop();
      signal.throwIfAborted();
      if (process.stderr.isTTY) bars.write.update({ label: name, loaded, total });
    },
  }).finally(() => {
    for (const bar of Object.values(bars)) bar.stop();
  });
  if (json) printJson(result);
  else printReport(checkpoint, flags, result);
}

function printReport(
  checkpoint: string,
  { dtype, outputDir }: ConvertFlags,
  { weights, copied, tensors, converted, bytes: size }: ConvertedCheckpoint,
): void {
  heading(`${checkpoint}${dtype === undefined ? '' : ` in ${dtype}`}`);
  printLine(
    `${tensors} tensors, ${converted} of them converted; ${bytes(size.before)} before, ${bytes(size.after)} now`,
  );
  printLine([...weights, ...copied].join(', '));
  printLine(`in ${outputDir}; now: weft inspect ${outputDir}`);
}
