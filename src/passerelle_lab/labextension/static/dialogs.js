/* Lab's dialogs about saving and Python stop everything and speak of servers. In a unit the bar tells the same.
 *
 * Lab offers no way to say these things otherwise, so what shows the dialog is replaced on the notebook itself: all
 * such places are here, and the browser tests on the locked Lab say when one of them is gone.
 */

/**
 * Tell instead of Lab's dialogs.
 * @param panel the notebook
 * @param told what is done instead: `saveError(error)`, `conflict(model, options)`, `kernelError(message)`
 */
export function insteadOfDialogs(panel, told) {
  const { context, sessionContext } = panel;
  context._handleError = async (error) => told.saveError(error);
  context._raiseConflict = (model, options) => told.conflict(model, options);
  sessionContext._displayKernelError = async (message) => told.kernelError(message);
  // Where Python does not start as the notebook opens, Lab asks which of one kernel she wants.
  context._dialogs = { selectKernel: async () => told.kernelError("none was started") };
  // «The kernel appears to have died» is shown where this is false.
  Object.defineProperty(panel, "_autorestarting", { configurable: true, get: () => true, set: () => {} });
}
