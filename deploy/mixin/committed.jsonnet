// What build.py makes the committed files of: the rules in each language, and for the chart what Helm fills in itself.
local groups = import 'groups.libsonnet';
local mixin = import 'mixin.libsonnet';
local thresholds = import 'thresholds.libsonnet';

{
  rules: { groups: mixin.frsGroups },
  rules_zh: { groups: (mixin { _config+:: { languages: ['zh-CN'] } }).frsGroups },
  chart: { thresholds: { [name]: thresholds[name].value for name in std.objectFields(thresholds) }, groups: groups },
  thresholds: thresholds,
}
