// Rules on how full face sets, and the quota of them, are.
{
  name: 'frs.face_sets',
  rules: [
    {
      record: 'project:frs_face_sets:ratio',
      expr: 'frs_face_sets{%(selector)s} / (frs_max_face_set_number{%(selector)s} > 0)',
    },

    {
      record: 'project_face_set:frs_face_set_faces:ratio',
      expr: 'frs_face_set_faces{%(selector)s} / (frs_face_set_capacity_faces{%(selector)s} > 0)',
    },

    // From 80 % on, and as they were while nothing newer is known.
    {
      record: 'project:frs_face_sets:high_ratio',
      expr: |||
        frs_face_sets{%(selector)s} / (frs_max_face_set_number{%(selector)s} > 0) >= %(faceSetQuotaNearlyUsedRatio)s
        or project:frs_face_sets:high_ratio
        unless on (%(clusterLabel)s, namespace, job, instance, project) (frs_face_sets{%(selector)s} / frs_max_face_set_number{%(selector)s})
        and on (%(clusterLabel)s, namespace, job, instance, project)
          frs_up{collector=~"subscription|face_sets", %(selector)s} == 0
        or project:frs_face_sets:high_ratio and on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s} == 0
      |||,
    },

    {
      record: 'project_face_set:frs_face_set_faces:high_ratio',
      expr: |||
        frs_face_set_faces{%(selector)s} / (frs_face_set_capacity_faces{%(selector)s} > 0)
          >= %(faceSetNearlyFullRatio)s
        or project_face_set:frs_face_set_faces:high_ratio
        unless on (%(clusterLabel)s, namespace, job, instance, project) frs_face_sets{%(selector)s}
        and on (%(clusterLabel)s, namespace, job, instance, project) frs_up{collector="face_sets", %(selector)s} == 0
        or project_face_set:frs_face_set_faces:high_ratio
          and on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s} == 0
      |||,
    },

    {
      alert: 'FrsFaceSetQuotaNearlyUsed',
      expr: 'project:frs_face_sets:high_ratio < %(faceSetQuotaUsedUpRatio)s',
      'for': '10m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsFaceSetQuotaUsedUp',
      expr: 'project:frs_face_sets:high_ratio >= %(faceSetQuotaUsedUpRatio)s',
      'for': '10m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // A day counts for a tenth of the quota at most: what is made at once is not made each day. The
    // growth is that of seven days.
    {
      alert: 'FrsFaceSetQuotaFilling',
      expr: |||
        project:frs_face_sets:ratio < %(faceSetQuotaNearlyUsedRatio)s
        and project:frs_face_sets:ratio
        + %(faceSetQuotaFillingDays)s / 7
        * sum_over_time(
          clamp_max(project:frs_face_sets:ratio - project:frs_face_sets:ratio offset 1d, 0.1)[7d:1d]
        ) >= 1
        and last_over_time(project:frs_face_sets:ratio[2h] offset 7d)
      |||,
      'for': '1h',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsFaceSetNearlyFull',
      expr: 'project_face_set:frs_face_set_faces:high_ratio < %(faceSetFullRatio)s',
      'for': '10m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsFaceSetFull',
      expr: 'project_face_set:frs_face_set_faces:high_ratio >= %(faceSetFullRatio)s',
      'for': '10m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // An hour counts for a hundredth of the set at most: an import is not what happens every day.
    {
      alert: 'FrsFaceSetFilling',
      expr: |||
        project_face_set:frs_face_set_faces:ratio < %(faceSetNearlyFullRatio)s
        and project_face_set:frs_face_set_faces:ratio
        + %(faceSetFillingDays)s * sum_over_time(
          clamp_max(
            project_face_set:frs_face_set_faces:ratio - project_face_set:frs_face_set_faces:ratio offset 1h, 0.01
          )[1d:1h]
        ) >= 1
        and last_over_time(project_face_set:frs_face_set_faces:ratio[2h] offset 1d)
      |||,
      'for': '1h',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },
  ],
}
