(function () {
  var svg = document.querySelector("svg"), all = svg.querySelectorAll("g.frame"), width = 1200;
  function number(g, name) { return parseFloat(g.getAttribute("data-" + name)); }
  function show(x, w) {
    for (var i = 0; i < all.length; i++) {
      var g = all[i], left = (number(g, "x") - x) / w * width, size = number(g, "w") / w * width;
      var from = Math.max(left, 0), to = Math.min(left + size, width), rect = g.querySelector("rect"), text = g.querySelector("text");
      g.style.display = to - from < 0.3 ? "none" : "";
      rect.setAttribute("x", from);
      rect.setAttribute("width", Math.max(to - from - 0.5, 0.2));
      if (text) {
        var room = Math.floor((to - from - 6) / 6.7), name = g.getAttribute("data-name");
        text.setAttribute("x", from + 3);
        text.textContent = room < 3 ? "" : name.length <= room ? name : name.slice(0, room - 1) + "\u2026";
      }
    }
  }
  for (var i = 0; i < all.length; i++) {
    all[i].addEventListener("click", function () { show(number(this, "x"), number(this, "w")); });
  }
  svg.querySelector("#reset").addEventListener("click", function () { show(0, 1); });
})();
