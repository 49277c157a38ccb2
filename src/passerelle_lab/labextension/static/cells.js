/* What a notebook's cells are to Passerelle, from their metadata. */

export const unitOf = (panel) => panel.context.model.getMetadata("passerelle");
export const aboutCell = (cell) => cell.model.getMetadata("passerelle") ?? {};
const graded = (cell) => cell.model.getMetadata("nbgrader") ?? {};
export const source = (cell) => cell.model.sharedModel.getSource();
export const isCode = (cell) => cell.model.type === "code";

/** A cell that checks an answer by itself; what a person marks is none. */
export const isCheck = (cell) => isCode(cell) && graded(cell).grade === true && graded(cell).solution !== true;
export const checkKey = (cell) => graded(cell).grade_id;
export const checkPoints = (cell) => graded(cell).points ?? 0;

/** A code cell she answers in, marked or only practised. */
export const isAnswer = (cell) =>
  isCode(cell) && (graded(cell).solution === true || ["answer", "practise"].includes(aboutCell(cell).kind));

export const cellsOf = (panel) => [...panel.content.widgets];
export const checksOf = (panel) => cellsOf(panel).filter(isCheck);

/** The task she is at: her cell's; else the nearest above it; else none. */
export function currentTask(panel) {
  const cells = cellsOf(panel);
  for (let index = panel.content.activeCellIndex; index >= 0; index -= 1) {
    const task = cells[index] && aboutCell(cells[index]).task;
    if (task) {
      return task;
    }
  }
  return null;
}
