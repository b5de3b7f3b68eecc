import type { Command, Option } from 'commander';

/** What completion knows of a verb. */
export interface Verb {
  /** From the program's name down: ['weft', 'tensorflow', 'link']. */
  path: string[];
  about: string;
  verbs: Verb[];
  options: VerbOption[];
  /** Words that the first argument may be; files otherwise. */
  words: readonly string[];
}

export interface VerbOption {
  long: string;
  short?: string;
  about: string;
  /** Whether a value follows. */
  takesValue: boolean;
  choices: readonly string[];
}

/** Reads the tree of commands, so that no list of them has to be kept. */
export function describeVerbs(command: Command, parents: readonly string[] = []): Verb {
  const path = [...parents, command.name()];
  const help = command.createHelp();
  const shared = help.visibleGlobalOptions(command).filter(({ long }) => long !== '--version');
  const options = [...help.visibleOptions(command), ...shared];
  return {
    path,
    about: command.description(),
    verbs: help.visibleCommands(command).map((child) => describeVerbs(child, path)),
    options: options.flatMap(describeOption),
    words: command.registeredArguments[0]?.argChoices ?? [],
  };
}

function describeOption({ long, short, description, required, optional, argChoices }: Option): VerbOption[] {
  if (!long) return [];
  const takesValue = required || optional;
  return [{ long, about: description, takesValue, choices: argChoices ?? [], ...(short ? { short } : {}) }];
}

/** A verb and all below it. */
export function allVerbs(verb: Verb): Verb[] {
  return [verb, ...verb.verbs.flatMap(allVerbs)];
}
