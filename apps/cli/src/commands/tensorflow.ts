import type { Command } from 'commander';
import { jsonOption } from '../options.js';
import { note, printJson, printLine } from '../terminal.js';

export function addTensorflow(program: Command): void {
  const tensorflow = program
    .command('tensorflow')
    .description('run on the TensorFlow library, and so on a GPU, where one is installed');
  tensorflow
    .command('link')
    .description("build tfjs-node's binding against the TensorFlow inside a Python wheel")
    .requiredOption('--python <interpreter>', 'Python with tensorflow or tensorflow-cpu installed')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Example (nothing but npm and Python packages is fetched):
  npm install --ignore-scripts @tensorflow/tfjs-node-gpu
  python3 -m venv tf && tf/bin/pip install 'tensorflow[and-cuda]'
  weft tensorflow link --python tf/bin/python
  WEFT_BACKEND=tensorflow weft doctor`,
    )
    .exitOverride()
    .action(async ({ python, json }: { python: string; json?: boolean }) => {
      const { linkTensorflow } = await import('@weft/backend');
      note('building; this takes about ten seconds');
      const result = await linkTensorflow({ python });
      if (json) return printJson(result);
      printLine(`${result.package} runs on TensorFlow ${result.tensorflowVersion}`);
      printLine(`built in ${result.seconds.toFixed(1)} s: ${result.binding}`);
    });
}
