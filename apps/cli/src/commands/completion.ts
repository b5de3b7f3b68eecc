import { Argument, type Command } from 'commander';

type Shell = 'bash' | 'zsh' | 'fish';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('a script that completes verbs and options in your shell')
    .addArgument(new Argument('<shell>', 'which').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Examples:
  source <(weft completion bash)       # this shell
  weft completion bash > ~/.local/share/bash-completion/completions/weft
  weft completion zsh > "\${fpath[1]}/_weft"
  weft completion fish > ~/.config/fish/completions/weft.fish`,
    )
    .action(async (shell: Shell) => {
      const { describeVerbs } = await import('../completion/verbs.js');
      process.stdout.write((await writerOf(shell))(describeVerbs(program)));
    });
}

async function writerOf(shell: Shell): Promise<typeof import('../completion/bash.js').bashScript> {
  switch (shell) {
    case 'bash':
      return (await import('../completion/bash.js')).bashScript;
    case 'zsh':
      return (await import('../completion/zsh.js')).zshScript;
    case 'fish':
      return (await import('../completion/fish.js')).fishScript;
  }
}
