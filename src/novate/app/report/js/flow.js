/* The flow of losses: columns of nodes and bands between them, drawn as SVG to the width at hand. */

const SVG = "http://www.w3.org/2000/svg";
const NODE_WIDTH = 12;
const NODE_GAP = 8;
const NODE_PITCH = 19; /* room for one label */
const FLOW_TOP = 26;

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function titled(made, text) {
  made.append(shape("title", {}, text));
  return made;
}

/* Nodes of one column stand below one another; a thin node still gets room for its label. */
function placeColumn(nodes, scale) {
  let y = FLOW_TOP;
  for (const node of nodes) {
    node.height = Math.max(2, node.amount * scale);
    node.y = y;
    y += Math.max(node.height + NODE_GAP, NODE_PITCH);
  }
  return y;
}

function placeNodes(data, width, shown) {
  const nodes = data.nodes.map((node) => ({ ...node, out: 0, into: 0 }));
  const columns = data.columns.slice(0, shown)
    .map((_, column) => nodes.filter((node) => node.column === column));
  const total = columns[0].reduce((sum, node) => sum + node.amount, 0);
  const scale = 280 / total;
  const step = (width - NODE_WIDTH) / (columns.length - 1);
  let bottom = 0;
  columns.forEach((column, place) => {
    for (const node of column) node.x = place * step;
    bottom = Math.max(bottom, placeColumn(column, scale));
  });
  return { nodes, scale, bottom };
}

function drawBand(link, nodes, scale, format) {
  const source = nodes[link.source];
  const target = nodes[link.target];
  const thickness = Math.max(1, link.amount * scale);
  const start = source.y + source.out + thickness / 2;
  const end = target.y + target.into + thickness / 2;
  source.out += link.amount * scale;
  target.into += link.amount * scale;
  const left = source.x + NODE_WIDTH;
  const middle = (left + target.x) / 2;
  const band = shape("path", {
    d: `M${left},${start} C${middle},${start} ${middle},${end} ${target.x},${end}`,
    class: `stroke-${target.tone}`, "stroke-width": thickness,
  });
  return titled(band, `${source.label} \u2192 ${target.label}: ${format(link.amount)}`);
}

function clipped(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1)}\u2026` : text;
}

function drawNode(node, columns, format, isNarrow) {
  const group = shape("g", {});
  const isLast = node.column === columns - 1;
  const x = isLast ? node.x - 6 : node.x + NODE_WIDTH + 6;
  const amount = isNarrow ? formatShort(node.amount) : format(node.amount);
  group.append(titled(shape("rect", {
    x: node.x, y: node.y, width: NODE_WIDTH, height: node.height, class: `fill-${node.tone}`,
  }), `${node.label}: ${format(node.amount)}`));
  group.append(shape("text", {
    x, y: node.y + Math.min(node.height, 34) / 2, "dominant-baseline": "central",
    "text-anchor": isLast ? "end" : "start",
  }, `${isNarrow ? clipped(node.short, 16) : clipped(node.label, 44)}\u2002${amount}`));
  return group;
}

function drawFlow(box, data) {
  const width = Math.max(280, box.clientWidth);
  const isNarrow = width < 640;
  const shown = isNarrow ? 2 : data.columns.length;
  const { nodes, scale, bottom } = placeNodes(data, width, shown);
  const format = (value) => `${formatNumber(value)} ${data.unit}`;
  const drawing = shape("svg", {
    class: "flow", viewBox: `0 0 ${width} ${bottom}`, height: bottom, "aria-hidden": "true",
  });
  data.columns.slice(0, shown).forEach((heading, column) => {
    const isLast = column === shown - 1;
    const x = (column * (width - NODE_WIDTH)) / (shown - 1);
    const anchor = isLast ? "end" : "start";
    drawing.append(shape("text", {
      x: isLast ? x + NODE_WIDTH : x, y: 12, class: "heading", "text-anchor": anchor,
    }, heading));
  });
  const links = data.links.filter((link) => nodes[link.target].column < shown);
  const order = links.sort((a, b) =>
    nodes[a.source].y - nodes[b.source].y || nodes[a.target].y - nodes[b.target].y);
  for (const link of order) drawing.append(drawBand(link, nodes, scale, format));
  for (const node of nodes.filter((one) => one.column < shown)) {
    drawing.append(drawNode(node, shown, format, isNarrow));
  }
  box.replaceChildren(drawing);
}
