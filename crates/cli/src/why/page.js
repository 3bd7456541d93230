(function () {
  var lines = Array.prototype.slice.call(document.querySelectorAll(".line.has"));
  var detail = document.getElementById("detail"), narrow = window.matchMedia("(max-width: 860px)"), picked = null;
  function place(line, panel) {
    if (narrow.matches) { line.parentNode.insertBefore(panel, line.nextSibling); } else { detail.appendChild(panel); }
  }
  function pick(line) {
    if (picked) {
      picked.classList.remove("picked");
      document.getElementById(picked.getAttribute("data-panel")).hidden = true;
    }
    var again = picked === line && narrow.matches;
    picked = again ? null : line;
    detail.querySelector(".hint").hidden = !!picked;
    if (!picked) { return; }
    var panel = document.getElementById(line.getAttribute("data-panel"));
    line.classList.add("picked");
    panel.hidden = false;
    place(line, panel);
    detail.scrollTop = 0;
  }
  lines.forEach(function (line, at) {
    line.addEventListener("click", function () { pick(line); });
    line.addEventListener("keydown", function (event) {
      var step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(line); }
      if (step && lines[at + step]) { event.preventDefault(); lines[at + step].focus(); if (!narrow.matches) { pick(lines[at + step]); } }
    });
  });
  narrow.addEventListener("change", function () {
    if (picked) { place(picked, document.getElementById(picked.getAttribute("data-panel"))); }
  });
  var hottest = lines.reduce(function (best, line) {
    var share = parseFloat(line.querySelector(".share").textContent) || 0;
    return share > best[1] ? [line, share] : best;
  }, [null, 0])[0];
  if (hottest && !narrow.matches) { pick(hottest); hottest.scrollIntoView({ block: "center" }); }
})();
