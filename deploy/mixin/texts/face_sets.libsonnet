// What the alerts on face sets say.
{
  FrsFaceSetQuotaNearlyUsed: {
    summary: {
      en: 'Most face sets that a project may have are there.',
      'zh-CN': '项目的人脸库配额即将用尽。',
    },
    description: {
      en: |||
        {{ $labels.project }} has {{ $value | humanizePercentage }} of the face sets it may have: delete unused ones, or
        ask the vendor for more.
      |||,
      'zh-CN': '{{ $labels.project }} 的人脸库数量已达配额的 {{ $value | humanizePercentage }}：请删除不用的人脸库，或向华为云申请更多。',
    },
  },

  FrsFaceSetQuotaUsedUp: {
    summary: {
      en: 'A project has all face sets that it may have, or nearly.',
      'zh-CN': '项目的人脸库配额已用尽，或接近用尽。',
    },
    description: {
      en: |||
        {{ $labels.project }} has {{ $value | humanizePercentage }} of the face sets it may have: creating another one
        fails. Delete unused ones, or ask the vendor for more.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的人脸库数量已达配额的 {{ $value | humanizePercentage }}：用尽后无法创建新的人脸库。
        请删除不用的人脸库，或向华为云申请更多。
      |||,
    },
  },

  FrsFaceSetQuotaFilling: {
    summary: {
      en: 'A project will have all face sets that it may have within %(faceSetQuotaFillingDays:words)s.',
      'zh-CN': '项目的人脸库配额将在 %(faceSetQuotaFillingDays:words)s内用尽。',
    },
    description: {
      en: |||
        {{ $labels.project }} has {{ $value | humanizePercentage }} of the face sets it may have, and none will be left
        within %(faceSetQuotaFillingDays:words)s if they grow as in the last.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的人脸库数量已达配额的 {{ $value | humanizePercentage }}，若按过去一周的速度增长，将在 %(faceSetQuotaFillingDays:words)s内用尽。
      |||,
    },
  },

  FrsFaceSetNearlyFull: {
    summary: {
      en: 'A face set is nearly full.',
      'zh-CN': '人脸库即将写满。',
    },
    description: {
      en: |||
        Face set {{ $labels.face_set }} of {{ $labels.project }} is {{ $value | humanizePercentage }} full: plan a second
        set, or remove faces that are not needed.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的人脸库 {{ $labels.face_set }} 已用 {{ $value | humanizePercentage }}：请准备第二个人脸库，
        或清理不需要的人脸。
      |||,
    },
  },

  FrsFaceSetFull: {
    summary: {
      en: 'A face set is full, or as good as.',
      'zh-CN': '人脸库已写满，或接近写满。',
    },
    description: {
      en: |||
        Face set {{ $labels.face_set }} of {{ $labels.project }} is {{ $value | humanizePercentage }} full: when it is,
        nobody can be enrolled. Remove faces that are not needed, or enrol into another set.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的人脸库 {{ $labels.face_set }} 已用 {{ $value | humanizePercentage }}：写满后无法录入人脸。
        请清理不需要的人脸，或录入另一个人脸库。
      |||,
    },
  },

  FrsFaceSetFilling: {
    summary: {
      en: 'A face set will be full within %(faceSetFillingDays:words)s.',
      'zh-CN': '人脸库将在 %(faceSetFillingDays:words)s内写满。',
    },
    description: {
      en: |||
        Face set {{ $labels.face_set }} of {{ $labels.project }} is {{ $value | humanizePercentage }} full, and will be
        within %(faceSetFillingDays:words)s if it grows as in the last day.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的人脸库 {{ $labels.face_set }} 已用 {{ $value | humanizePercentage }}，若按过去一天的速度增长，
        将在 %(faceSetFillingDays:words)s内写满。
      |||,
    },
  },
}
