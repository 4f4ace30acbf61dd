interface Picture {
  /** Text of each box by id. */
  readonly boxes: ReadonlyMap<string, string>;
  readonly arrows: readonly { readonly from: string; readonly to: string; readonly label: string }[];
  /** Lines that are not a valid Mermaid flowchart. */
  readonly notUnderstood: readonly string[];
}

/** Mermaid keywords that cannot name a box. */
const RESERVED = [
  'end',
  'graph',
  'flowchart',
  'subgraph',
  'style',
  'class',
  'classDef',
  'click',
  'default',
  'linkStyle',
];
const BOX = /^([a-z][\w-]*?)(?:\["([^"]+)"\]|\[\("([^"]+)"\)\])?(?= |$)/;
const ARROW = /^ --(?: ([\w ]+?) --)?> /;

/** Parses the part of Mermaid's flowcharts that a picture of boxes and arrows needs: one chain per line. */
export function parsePicture(source: string): Picture {
  const boxes = new Map<string, string>();
  const arrows: { from: string; to: string; label: string }[] = [];
  const notUnderstood: string[] = [];
  const [first = '', ...lines] = source.split('\n').filter((line) => line.trim() !== '');
  if (!/^flowchart (LR|TD)$/.test(first)) notUnderstood.push(first);

  for (const line of lines.map((each) => each.trim())) {
    const chain = readChain(line);
    if (chain === undefined) {
      notUnderstood.push(line);
      continue;
    }
    for (const [nth, { id, text, label }] of chain.entries()) {
      if (text !== undefined || !boxes.has(id)) boxes.set(id, text ?? id);
      const before = chain[nth - 1];
      if (before) arrows.push({ from: before.id, to: id, label });
    }
  }
  return { boxes, arrows, notUnderstood };
}

interface Link {
  readonly id: string;
  readonly text: string | undefined;
  /** Label of the arrow that leads here. */
  readonly label: string;
}

/** Returns the boxes of a line with at least one arrow; undefined for any other line. */
function readChain(line: string): Link[] | undefined {
  const chain: Link[] = [];
  let label = '';
  for (let rest = line; ; ) {
    const box = BOX.exec(rest);
    const [, id = '', rectangle, cylinder] = box ?? [];
    if (box === null || RESERVED.includes(id)) return undefined;
    chain.push({ id, text: rectangle ?? cylinder, label });
    rest = rest.slice(box[0].length);
    if (rest === '') return chain.length > 1 ? chain : undefined;
    const arrow = ARROW.exec(rest);
    if (arrow === null) return undefined;
    label = arrow[1] ?? '';
    rest = rest.slice(arrow[0].length);
  }
}
