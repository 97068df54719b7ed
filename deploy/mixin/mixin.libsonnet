// A monitoring mixin: rules and dashboards of frs_exporter, with what `_config` sets.
local groups = import 'groups.libsonnet';
local check = import 'lib/check.libsonnet';
local render = import 'lib/render.libsonnet';
local thresholds = import 'thresholds.libsonnet';

local names = [rule.alert for group in groups for rule in group.rules if std.objectHas(rule, 'alert')];
local dashboards = {
  en: {
    'frs-exporter.json': import '../grafana/dashboards/exporter.json',
    'frs-fleet.json': import '../grafana/dashboards/fleet.json',
    'frs-project.json': import '../grafana/dashboards/project.json',
  },
  'zh-CN': {
    'frs-exporter.json': import '../grafana/dashboards-zh-CN/exporter.json',
    'frs-fleet.json': import '../grafana/dashboards-zh-CN/fleet.json',
    'frs-project.json': import '../grafana/dashboards-zh-CN/project.json',
  },
};

local checked(config) =
  local problems = check(config, thresholds, names);
  assert problems == [] : 'frs_exporter mixin: ' + std.join('; ', problems);
  config;

// Groups with the rules of one kind, and without groups that have none.
local only(kind, groups, suffix='') = [
  group
  for group in [
    one { name: super.name + suffix, rules: [rule for rule in super.rules if std.objectHas(rule, kind)] }
    for one in groups
  ]
  if group.rules != []
];

(import 'config.libsonnet') + {
  // Records before the alerts that use them, in groups evaluated one rule after the other, as Prometheus loads them from
  // one file: an alert sees what was recorded a moment ago, and not an interval ago.
  frsGroups:: render(checked($._config), thresholds, groups),

  prometheusAlerts+:: { groups+: only('alert', $.frsGroups) },
  prometheusRules+:: { groups+: only('record', $.frsGroups, '.records') },
  grafanaDashboards+:: dashboards[checked($._config).languages[0]],
}
