import type { WeightsFile } from '@weft/checkpoint';
import type { Command } from 'commander';
import { jsonOption, localFilesOnlyOption, revisionOption } from '../options.js';
import { amount, bytes, heading, printJson, printLine, printTable } from '../terminal.js';

interface InspectOptions {
  json?: boolean;
  revision?: string;
  localFilesOnly?: boolean;
}

interface TensorRow {
  name: string;
  dtype: string;
  shape: readonly number[];
  elements: number;
}

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('what a checkpoint holds: configuration, tensors, sizes')
    .argument('<checkpoint>', 'folder, safetensors file or id on the hub')
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  weft inspect ./out\n  weft inspect gpt2 --json | jq .parameters')
    .action(async (checkpoint: string, options: InspectOptions) => {
      const { openWeights } = await import('@weft/checkpoint');
      using weights = await openWeights(checkpoint, options);
      const tensors = weights.names().map((name) => describe(weights, name));
      const config = await readConfiguration(checkpoint, options);
      const parameters = tensors.reduce((sum, { elements }) => sum + elements, 0);
      if (options.json)
        return printJson({ checkpoint, parameters, metadata: weights.metadata, config, tensors });
      printReport(checkpoint, tensors, parameters, config);
    });
}

function describe(weights: WeightsFile, name: string): TensorRow {
  const { dtype, shape } = weights.info(name);
  return { name, dtype, shape, elements: shape.reduce((product, size) => product * size, 1) };
}

async function readConfiguration(
  checkpoint: string,
  options: InspectOptions,
): Promise<Record<string, unknown> | undefined> {
  if (checkpoint.endsWith('.safetensors')) return undefined;
  const { resolveModelFiles } = await import('@weft/checkpoint');
  const { readFile } = await import('node:fs/promises');
  const { 'config.json': path } = await resolveModelFiles(checkpoint, {
    ...options,
    files: [],
    optionalFiles: ['config.json'],
  });
  return path === undefined
    ? undefined
    : (JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>);
}

const bytesOf: Record<string, number> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I16: 2 };

function printReport(
  checkpoint: string,
  tensors: readonly TensorRow[],
  parameters: number,
  config: Record<string, unknown> | undefined,
): void {
  heading(checkpoint);
  if (config) {
    const architectures = Array.isArray(config.architectures)
      ? config.architectures.join(', ')
      : 'no architecture';
    printLine(`${String(config.model_type ?? 'unknown model type')} (${architectures})`);
  }
  const size = tensors.reduce((sum, { dtype, elements }) => sum + elements * (bytesOf[dtype] ?? 1), 0);
  printLine(`${amount(parameters)} parameters in ${tensors.length} tensors, ${bytes(size)}`);
  printLine();
  printTable(
    ['tensor', 'dtype', 'shape', 'elements'],
    tensors.map(({ name, dtype, shape, elements }) => [name, dtype, `[${shape.join(', ')}]`, elements]),
  );
}
