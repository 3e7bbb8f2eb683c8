// A diagram shrinks with the window only as far as its letters can be read; what is wider then scrolls in its frame.
(() => {
  // Mermaid draws names and texts with letters of 16 px
  const smallest = 12 / 16;
  // What crosses a life line can be read, and a number of two digits
  const style = `
    .messageText { paint-order: stroke; stroke: var(--md-default-bg-color); stroke-width: 4px }
    .sequenceNumber { font-size: 15px }
    #sequencenumber circle { r: 8px }`;
  const { initialize, render } = mermaid;
  mermaid.initialize = (config) =>
    initialize({
      ...config,
      sequence: { ...config.sequence, actorMargin: 16 },
      themeCSS: config.themeCSS + style,
    });
  // mkdocs-material calls "fn" with the root in which it has put the diagram, and nobody else can reach into
  const frame = (root) => {
    const drawing = root.querySelector("svg");
    drawing.style.minWidth = `${drawing.viewBox.baseVal.width * smallest}px`;
    root.host.tabIndex = 0;
    root.host.role = "region";
    root.host.ariaLabel = "Diagram";
  };
  mermaid.render = async (...what) => ({ ...(await render(...what)), fn: frame });
})();
