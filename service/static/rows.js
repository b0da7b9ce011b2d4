// Lists whose rows stay where they are as long as they can, so that focus does, too.

/** @param {Element} list @param {Element[]} wanted its rows from now on */
export function arrange(list, wanted) {
  for (const row of [...list.children]) if (!wanted.includes(row)) row.remove();
  wanted.forEach((row, at) => {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
}
