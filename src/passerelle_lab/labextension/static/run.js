/* Running cells for her: everything from a fresh kernel, or the hint of her task. */
import { aboutCell, cellsOf, checksOf, currentTask, isCode } from "./cells.js";
import { offerHints } from "./language.js";

const HINT_WAIT_MS = 5000;
const KERNEL_WAIT_MS = 60000;
const ANSWER_WAIT_MS = 30000;

/** A promise's value, or nothing after a bounded wait. */
const within = (promise, milliseconds) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, milliseconds))]);

const answers = (session) => session.session?.kernel?.connectionStatus === "connected";

/** A page just opened, or a workspace opened again, has no kernel yet; Lab would take a cell for run that nothing ran. */
async function kernelReady(session, line) {
  await session.ready;
  await line.revive(session);
  if (session.hasNoKernel) {
    await session.startKernel();
  }
  // A kernel that is restarted before it has said who it is stays at its start for ever.
  await within(session.session?.kernel?.info, KERNEL_WAIT_MS);
}

/** Lab's line is joined anew at a restart; on a busy machine what the kernel says of itself can be lost, and Lab waits. */
const isHeard = (session, wait) =>
  within(session.session.kernel.requestKernelInfo().then(() => true, () => false), wait);

/** Lab says nothing where a restart does not succeed, and cells sent to a kernel that is gone wait for ever. */
async function restart(session, line) {
  for (const wait of [ANSWER_WAIT_MS, KERNEL_WAIT_MS]) {
    await within(session.restartKernel(), KERNEL_WAIT_MS);
    if (!answers(session)) {
      await kernelReady(session, line);
    }
    if (answers(session) && (await isHeard(session, wait))) {
      return;
    }
  }
  throw new Error("no kernel answers");
}

/**
 * Restart the kernel and run every code cell. One cell's error stops none of the others: each check is
 * owed its answer.
 * @param progress called with how many cells have run, and of how many
 */
export async function restartAndCheck({ panel, line, lab, kernelLanguage }, signal, progress) {
  const session = panel.sessionContext;
  await kernelReady(session, line);
  await restart(session, line);
  await kernelLanguage.tell();
  const cells = cellsOf(panel).filter(isCode);
  for (const [done, cell] of cells.entries()) {
    if (signal.aborted || panel.isDisposed) {
      return;
    }
    progress(done, cells.length);
    await lab.NotebookActions.runCells(panel.content, [cell], session);
  }
}

export const hintCells = (panel) => cellsOf(panel).filter((cell) => aboutCell(cell).kind === "hints");

/** The hints of the task she is at, unless all its checks pass; then of the first task that is open. */
function hintCell(panel, checks) {
  const hints = hintCells(panel);
  const task = currentTask(panel);
  const here = hints.find((cell) => aboutCell(cell).task === task);
  // A task that a person marks has no checks: its hints are wanted whenever she is there.
  const checked = checksOf(panel).some((cell) => aboutCell(cell).task === task);
  if (here && !(checked && checks.taskPasses(task))) {
    return here;
  }
  return hints.find((cell) => !checks.taskPasses(aboutCell(cell).task)) ?? here ?? hints[0];
}

/** The first thing in a cell's output that can be pressed, once it is there; null after a bounded wait. */
function pressable(cell) {
  const find = () => cell.outputArea.node.querySelector("button, a[href], summary");
  return new Promise((found) => {
    const observer = new MutationObserver(() => end(find()));
    const timer = setTimeout(() => end(find()), HINT_WAIT_MS);
    function end(element) {
      if (element || !timer) {
        observer.disconnect();
        clearTimeout(timer);
        found(element);
      }
    }
    observer.observe(cell.outputArea.node, { childList: true, subtree: true });
    end(find());
  });
}

/** Bring her to the hints of her task, run where this kernel has not shown them yet. */
export async function showHint({ panel, line, lab, checks }) {
  const cell = hintCell(panel, checks);
  if (!cell) {
    return;
  }
  panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
  if (!checks.ran[cell.model.id]) {
    await kernelReady(panel.sessionContext, line);
    await offerHints(panel);
    await lab.NotebookActions.runCells(panel.content, [cell], panel.sessionContext);
  }
  await panel.content.scrollToItem(panel.content.activeCellIndex, "smart").catch(() => {});
  const button = await pressable(cell);
  (button ?? cell.node).focus();
}
