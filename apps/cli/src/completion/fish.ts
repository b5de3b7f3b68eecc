import { allVerbs, type Verb, type VerbOption } from './verbs.js';

/** A completion script for fish. */
export function fishScript(root: Verb): string {
  const name = root.path[0]!;
  return `# Completion of ${name} for fish. To have it in every shell:
#   ${name} completion fish > ~/.config/fish/completions/${name}.fish
${allVerbs(root)
  .flatMap((verb) => linesOf(name, verb))
  .join('\n')}
`;
}

function linesOf(name: string, { path, verbs, options, words }: Verb): string[] {
  const below = path.slice(1);
  const children = verbs.map((verb) => verb.path.at(-1)!);
  const seen = below.map((verb) => `__fish_seen_subcommand_from ${verb}`);
  const notYet = children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(' ')}`] : [];
  const line = (conditions: string[], rest: string): string =>
    `complete -c ${name}${conditions.length > 0 ? ` -n ${quote(conditions.join('; and '))}` : ''} ${rest}`;
  const here = below.length === 0 ? notYet : [...seen, ...notYet];
  return [
    ...verbs.map((verb) => line(here, `-f -a ${verb.path.at(-1)} -d ${quote(verb.about)}`)),
    ...words.map((word) => line(here, `-f -a ${word}`)),
    ...options.map((option) => line(here, flagsOf(option))),
  ];
}

function flagsOf({ long, short, about, takesValue, choices }: VerbOption): string {
  const value = takesValue ? (choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : ' -r') : '';
  return `${short ? `-s ${short.slice(1)} ` : ''}-l ${long.slice(2)}${value} -d ${quote(about)}`;
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
