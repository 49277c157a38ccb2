// Follows the opening of a workspace; without it the page reloads every few seconds.
const pending = document.getElementById("pending");
const bar = document.getElementById("pending-bar");
const turn = document.getElementById("pending-turn");
const events = new EventSource(pending.dataset.progress);
events.onmessage = (message) => {
  const progress = JSON.parse(message.data);
  if (progress.progress !== undefined) bar.value = progress.progress;
  turn.hidden = !progress.before;
  if (progress.before) turn.textContent = turn.dataset.words.replace("[number]", progress.before);
  if (progress.ready) {
    events.close();
    window.location.reload();
  }
  if (progress.failed) {
    events.close();
    const title = document.getElementById("pending-title");
    title.textContent = title.dataset.words;
    document.getElementById("pending-soon").hidden = true;
    bar.hidden = true;
    document.getElementById("pending-stuck").hidden = false;
  }
};
events.onerror = () => {
  events.close();
  setTimeout(() => window.location.reload(), 2000);
};
