for (const button of document.querySelectorAll("button")) button.onclick = async () => {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {  // a browser that lets no page write there
    window.prompt("the path", button.dataset.copy);
    return;
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy" }, 1500);
};
